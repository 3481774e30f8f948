using Checkpointer.Formats.Errors;

namespace Checkpointer.Formats.Resharding;

/// <summary>The sources do not make what the target wants; <see cref="Tensors"/> names all that is wanting.</summary>
public sealed class ReshardingException : FormatFaultException
{
    private const int TensorsInMessage = 16;

    /// <summary>
    /// Names the tensors that failed; the message names the first few, as in <paramref name="descriptions"/> if given.
    /// </summary>
    public ReshardingException(ReshardingFault fault, IReadOnlyList<string> tensors, IReadOnlyList<string>? descriptions = null)
        : base(
            ErrorCode.RestoreImpossible,
            fault,
            $"Cannot restore from these layouts ({fault}): {tensors.Count} tensors: "
            + string.Join(", ", (descriptions ?? tensors).Take(TensorsInMessage)) + (tensors.Count > TensorsInMessage ? ", …" : ".")) =>
        Tensors = tensors;

    /// <summary>The names of all tensors that failed.</summary>
    public IReadOnlyList<string> Tensors { get; }
}
