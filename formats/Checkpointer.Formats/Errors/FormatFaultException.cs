using Checkpointer.Formats.Indices;
using Checkpointer.Formats.Layouts;
using Checkpointer.Formats.Manifests;
using Checkpointer.Formats.Packs;

namespace Checkpointer.Formats.Errors;

/// <summary>
/// Bytes that are not what their format says. <see cref="Fault"/> names the one check that failed. Never transient:
/// the same bytes fail again.
/// </summary>
public class FormatFaultException : CheckpointerException
{
    /// <summary>A faulty layout.</summary>
    public FormatFaultException(LayoutFault fault, string detail)
        : this(ErrorCode.LayoutInvalid, fault, $"Layout invalid ({fault}): {detail}")
    {
    }

    /// <summary>A faulty pack header.</summary>
    public FormatFaultException(PackFault fault, string detail)
        : this(ErrorCode.PackCorrupt, fault, $"Pack corrupt ({fault}): {detail}")
    {
    }

    /// <summary>A faulty index.</summary>
    public FormatFaultException(IndexFault fault, string detail)
        : this(ErrorCode.IndexCorrupt, fault, $"Index corrupt ({fault}): {detail}")
    {
    }

    /// <summary>A faulty manifest.</summary>
    public FormatFaultException(ManifestFault fault, string detail)
        : this(ErrorCode.ManifestCorrupt, fault, $"Manifest corrupt ({fault}): {detail}")
    {
    }

    /// <summary>A fault of another kind.</summary>
    protected FormatFaultException(ErrorCode code, Enum fault, string message)
        : base(code, message) => Fault = fault;

    /// <summary>The check that failed: a value of the format's own enumeration.</summary>
    public Enum Fault { get; }
}
