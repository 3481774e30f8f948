namespace Checkpointer.Contracts.Runs;

/// <summary>What is wrong with a copy of an image.</summary>
public enum CopyFaultKind
{
    /// <summary>Its bytes, or what describes them, are not what was sealed.</summary>
    Corrupt,

    /// <summary>It is not there any more.</summary>
    Missing,

    /// <summary>Who has it does not answer, or cannot read it.</summary>
    Unreachable,

    /// <summary>Something else, which the message says.</summary>
    Other,
}
