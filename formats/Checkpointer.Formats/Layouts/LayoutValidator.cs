using Checkpointer.Formats.Errors;

namespace Checkpointer.Formats.Layouts;

/// <summary>The checks of a layout that need all of a tensor, or all tensors.</summary>
internal static class LayoutValidator
{
    /// <summary>Checks tensors sorted by offset and returns the length of the stored prefix in bytes.</summary>
    public static long Check(TensorEntry[] sorted)
    {
        long end = 0;
        long storedEnd = 0;
        foreach (var tensor in sorted)
        {
            CheckSize(tensor);
            if (tensor.Placement is { } placement)
            {
                CheckPlacement(tensor, placement);
            }

            if (!tensor.Stored && tensor.Placement?.Replicas is not { Count: >= 2 })
            {
                throw Fault(LayoutFault.NotStoredWithoutReplica, tensor, "is not stored and has no other replica");
            }

            if (tensor.Begin != end)
            {
                throw tensor.Begin > end
                    ? Fault(LayoutFault.Hole, tensor, $"begins at {tensor.Begin}, but the tensors before it end at {end}")
                    : Fault(LayoutFault.Overlap, tensor, $"begins at {tensor.Begin}, inside the tensor that ends at {end}");
            }

            end = tensor.End;
            if (end > Layout.MaxImageBytes)
            {
                throw Fault(LayoutFault.ImageTooLarge, tensor, $"ends beyond {Layout.MaxImageBytes} bytes");
            }

            if (tensor.Stored && tensor.SizeBytes > 0)
            {
                if (storedEnd != tensor.Begin)
                {
                    throw Fault(LayoutFault.StoredAfterNotStored, tensor, "is stored, but lies behind one that is not");
                }

                storedEnd = end;
            }
        }

        return storedEnd;
    }

    /// <summary>
    /// Size in bytes of a tensor of that shape, or -1 if it is beyond <see cref="Layout.MaxTensorBytes"/>. Zeros count
    /// as one in that check, so that strides never overflow either.
    /// </summary>
    public static long SizeOrOverflow(IReadOnlyList<long> shape, DType type)
    {
        long bytes = type.SizeBytes();
        var empty = false;
        foreach (var dimension in shape)
        {
            empty |= dimension == 0;
            var factor = Math.Max(dimension, 1);
            if (factor > Layout.MaxTensorBytes / bytes)
            {
                return -1;
            }

            bytes *= factor;
        }

        return empty ? 0 : bytes;
    }

    private static void CheckSize(TensorEntry tensor)
    {
        var size = SizeOrOverflow(tensor.Shape, tensor.DType);
        if (size < 0)
        {
            throw Fault(LayoutFault.ShapeOverflow, tensor, "has a shape beyond the largest size of a tensor");
        }

        if (size != tensor.SizeBytes)
        {
            throw Fault(LayoutFault.SizeMismatch, tensor, $"has {size} bytes by dtype and shape, {tensor.SizeBytes} by offsets");
        }
    }

    private static void CheckPlacement(TensorEntry tensor, Placement placement)
    {
        var dimensions = tensor.Shape.Count;
        if (placement.GlobalShape.Count != dimensions || placement.Offsets.Count != dimensions)
        {
            throw Fault(LayoutFault.PlacementDimensionsMismatch, tensor, "has a placement of other dimensions");
        }

        if (SizeOrOverflow(placement.GlobalShape, tensor.DType) < 0)
        {
            throw Fault(LayoutFault.PlacementOverflow, tensor, "has a global shape beyond the largest size of a tensor");
        }

        for (var i = 0; i < dimensions; i++)
        {
            var room = placement.GlobalShape[i] - placement.Offsets[i];
            if (room < 0 || tensor.Shape[i] > room)
            {
                throw Fault(LayoutFault.PlacementOutOfBounds, tensor, $"reaches beyond its global tensor in dimension {i}");
            }
        }
    }

    private static FormatFaultException Fault(LayoutFault fault, TensorEntry tensor, string what) =>
        new(fault, $"Tensor '{tensor.Name}' {what}.");
}
