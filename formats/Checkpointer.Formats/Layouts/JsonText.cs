using System.Text.Json;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Formats.Layouts;

/// <summary>Pieces of JSON as a layout has them, each failing with a named fault.</summary>
internal static class JsonText
{
    /// <summary>The string or property name that the reader stands on.</summary>
    public static string Get(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // The reader accepts an escaped lone surrogate and only fails here.
            throw new FormatFaultException(LayoutFault.NotUtf8, "A string has an escape that is no Unicode text.");
        }
    }

    /// <summary>An array of whole numbers from 0, of at most <paramref name="max"/> items.</summary>
    public static long[] Numbers(ref Utf8JsonReader reader, int max, LayoutFault fault, string tensor)
    {
        Expect(reader.TokenType == JsonTokenType.StartArray, fault, tensor);
        Span<long> numbers = stackalloc long[max];
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            long number = 0;
            Expect(
                count < max && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out number) && number >= 0,
                fault,
                tensor);
            numbers[count++] = number;
        }

        return numbers[..count].ToArray();
    }

    /// <summary>Fails with <paramref name="fault"/> unless <paramref name="condition"/> holds.</summary>
    public static void Expect(bool condition, LayoutFault fault, string tensor)
    {
        if (!condition)
        {
            throw new FormatFaultException(fault, $"Tensor '{tensor}'.");
        }
    }

    /// <summary>Fails unless <paramref name="isNew"/>: two readers could take different ones of two equal keys.</summary>
    public static void Unique(bool isNew, string key)
    {
        if (!isNew)
        {
            throw new FormatFaultException(LayoutFault.DuplicateKey, $"The key '{key}' occurs twice.");
        }
    }
}
