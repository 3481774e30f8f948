using System.Text;
using System.Xml;

namespace Checkpointer.Storage.S3;

/// <summary>
/// What an error answer's XML says. Of its free text nothing is kept: servers put the signed request, with its
/// signature and the access key, into it.
/// </summary>
/// <param name="Code">S3's name of the error, such as NoSuchBucket; null if the body is no S3 error.</param>
/// <param name="Region">The region that the server says it is in, if it does.</param>
/// <param name="RequestId">What the server's operators can look the request up by.</param>
internal readonly record struct S3Error(string? Code, string? Region, string? RequestId)
{
    /// <summary>Most bytes of an error's body that are looked at.</summary>
    public const int MaxBytes = 64 << 10;

    private const int MaxWordLength = 128;

    /// <summary>Reads the error out of a body; anything else than an S3 error is no error here, only empty.</summary>
    public static S3Error Parse(ReadOnlySpan<byte> body)
    {
        string? code = null, region = null, requestId = null;
        try
        {
            using var xml = XmlReader.Create(
                new StringReader(Encoding.UTF8.GetString(body)),
                new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null });
            var inside = xml.MoveToContent() == XmlNodeType.Element && xml.LocalName == "Error";
            while (inside && xml.Read())
            {
                if (xml.NodeType == XmlNodeType.Element && xml.Depth == 1)
                {
                    (code, region, requestId) = xml.LocalName switch
                    {
                        "Code" => (Word(xml), region, requestId),
                        "Region" => (code, Word(xml), requestId),
                        "RequestId" => (code, region, Word(xml)),
                        _ => (code, region, requestId),
                    };
                }
            }
        }
        catch (XmlException)
        {
            // Cut off or no XML at all: what was read so far is what there is.
        }

        return new S3Error(code, region, requestId);
    }

    private static string? Word(XmlReader xml)
    {
        if (xml.IsEmptyElement || !xml.Read() || xml.NodeType != XmlNodeType.Text)
        {
            return null;
        }

        var text = xml.Value.Trim();
        return text.Length is > 0 and <= MaxWordLength && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') ? text : null;
    }
}
