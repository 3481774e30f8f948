using Checkpointer.Contracts.Runs;
using Checkpointer.Formats.Chunks;

namespace Checkpointer.Service.Runs.Commands;

/// <summary>Checks of a sealed image in a request.</summary>
internal static class ImageRequest
{
    private const long MaxImageBytes = (long)ChunkGeometry.MaxChunks * ChunkGeometry.MaxChunkBytes;

    /// <summary>Why <paramref name="image"/> can't be one; null if it can.</summary>
    public static Refusal? Check(SealedImage? image)
    {
        if (image is null)
        {
            return RequestText.Invalid("image must be given.");
        }

        var counts = image.ImageBytes is >= 0 and <= MaxImageBytes && image.NanCount >= 0 && image.InfCount >= 0
            ? null
            : RequestText.Invalid("image has a length or count that cannot be.");
        return counts
            ?? RequestText.CheckHex(image.Layout, "image.layout", 64)
            ?? RequestText.CheckHex(image.Root, "image.root", 2 * ChunkHash.SizeBytes)
            ?? CheckTensors(image.NonFiniteTensors);
    }

    private static Refusal? CheckTensors(IReadOnlyList<string>? tensors) => tensors switch
    {
        null => RequestText.Invalid("image.non_finite_tensors must be given."),
        { Count: > RunLimits.MaxNonFiniteTensors } =>
            RequestText.TooMany("image.non_finite_tensors", RunLimits.MaxNonFiniteTensors),
        _ => tensors
            .Select(name => RequestText.CheckLength(name, "a name in image.non_finite_tensors", RunLimits.MaxTensorNameLength))
            .FirstOrDefault(refusal => refusal is not null),
    };
}
