namespace Checkpointer.Cli.Doctor;

/// <summary>One thing that is looked at. Changes nothing that stays; what it throws is shown as its own failure.</summary>
internal interface ICheck
{
    /// <summary>Looks at it.</summary>
    Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken);
}
