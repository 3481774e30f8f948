using System.Text.Json;
using Checkpointer.Formats.Errors;

namespace Checkpointer.Formats.Manifests;

/// <summary>Reads the JSON of a manifest: first what tells the format and version, then the fields of that version.</summary>
internal static class ManifestReader
{
    /// <summary>Checks length, syntax, format and version without building anything.</summary>
    public static void CheckEnvelope(ReadOnlySpan<byte> utf8)
    {
        if (utf8.Length > Manifest.MaxBytes)
        {
            throw new FormatFaultException(ManifestFault.TooLarge, $"{utf8.Length} bytes are more than {Manifest.MaxBytes}.");
        }

        if (!System.Text.Unicode.Utf8.IsValid(utf8))
        {
            throw new FormatFaultException(ManifestFault.NotJson, "The bytes are not UTF-8.");
        }

        var (isManifest, version) = (false, 0);
        try
        {
            var reader = new Utf8JsonReader(utf8, new JsonReaderOptions { MaxDepth = 8 });
            reader.Read();
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                throw new FormatFaultException(ManifestFault.NotJson, "It is no JSON object.");
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var (isFormat, isVersion) = (reader.ValueTextEquals("format"u8), reader.ValueTextEquals("version"u8));
                reader.Read();
                isManifest |= isFormat && reader.TokenType == JsonTokenType.String
                    && reader.ValueTextEquals(Manifest.FormatName);
                if (isVersion && (reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out version)))
                {
                    version = 0;
                }

                reader.Skip();
            }

            reader.Read();
        }
        catch (JsonException e)
        {
            throw new FormatFaultException(ManifestFault.NotJson, e.Message);
        }

        if (!isManifest)
        {
            throw new FormatFaultException(ManifestFault.WrongFormat, $"It does not say \"format\": \"{Manifest.FormatName}\".");
        }

        if (version != Manifest.CurrentVersion)
        {
            throw new FormatFaultException(
                ManifestFault.WrongVersion, $"It is not of version {Manifest.CurrentVersion}, the one this program knows.");
        }
    }

    /// <summary>Reads the fields.</summary>
    public static Manifest Read(ReadOnlySpan<byte> utf8)
    {
        try
        {
            return JsonSerializer.Deserialize(utf8, ManifestJsonContext.Default.Manifest)
                ?? throw new FormatFaultException(ManifestFault.NotJson, "It is null.");
        }
        catch (JsonException e)
        {
            throw new FormatFaultException(ManifestFault.FieldInvalid, e.Message);
        }
        catch (InvalidOperationException e)
        {
            // A string with an escaped lone surrogate, or a token of a kind that a converter did not expect.
            throw new FormatFaultException(ManifestFault.FieldInvalid, e.Message);
        }
    }
}
