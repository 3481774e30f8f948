using System.Globalization;
using System.Net;
using System.Xml;

namespace Checkpointer.Storage.S3;

/// <summary>One page of a listing (ListObjectsV2 with <c>encoding-type=url</c>).</summary>
/// <param name="Items">Keys as the bucket has them, with size and time.</param>
/// <param name="Next">What to ask the next page with; null at the end.</param>
internal sealed record S3ListPage(IReadOnlyList<(string Key, long SizeBytes, DateTimeOffset LastModified)> Items, string? Next)
{
    /// <summary>Longest page that is read: 1,000 keys of 1,024 bytes, each escaped threefold, with all around them.</summary>
    public const int MaxBytes = 8 << 20;

    /// <summary>Parses a page; <see cref="XmlException"/> if it is not whole, <see cref="FormatException"/> if it is no listing.</summary>
    public static S3ListPage Parse(byte[] body)
    {
        using var xml = XmlReader.Create(
            new MemoryStream(body),
            new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreWhitespace = true });
        if (xml.MoveToContent() != XmlNodeType.Element || xml.LocalName != "ListBucketResult")
        {
            throw new FormatException("The body is no listing.");
        }

        var items = new List<(string, long, DateTimeOffset)>();
        bool? truncated = null;
        string? next = null;
        xml.ReadStartElement();
        while (xml.NodeType == XmlNodeType.Element)
        {
            switch (xml.LocalName)
            {
                case "Contents":
                    items.Add(ParseItem(xml));
                    break;
                case "IsTruncated":
                    truncated = XmlConvert.ToBoolean(xml.ReadElementContentAsString());
                    break;
                case "NextContinuationToken":
                    next = xml.ReadElementContentAsString();
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }

        // To the very end: a listing that was cut off must not pass for a short one.
        xml.ReadEndElement();
        while (!xml.EOF)
        {
            _ = xml.Read();
        }

        return truncated switch
        {
            null => throw new FormatException("The listing does not say whether there is more."),
            true when string.IsNullOrEmpty(next) => throw new FormatException("The listing says that there is more and not how to ask for it."),
            true => new S3ListPage(items, next),
            false => new S3ListPage(items, null),
        };
    }

    private static (string Key, long SizeBytes, DateTimeOffset LastModified) ParseItem(XmlReader xml)
    {
        string? key = null;
        long? size = null;
        DateTimeOffset? modified = null;
        xml.ReadStartElement();
        while (xml.NodeType == XmlNodeType.Element)
        {
            switch (xml.LocalName)
            {
                case "Key":
                    key = WebUtility.UrlDecode(xml.ReadElementContentAsString());
                    break;
                case "Size":
                    size = long.Parse(xml.ReadElementContentAsString(), NumberStyles.None, CultureInfo.InvariantCulture);
                    break;
                case "LastModified":
                    modified = DateTimeOffset.Parse(
                        xml.ReadElementContentAsString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
                    break;
                default:
                    xml.Skip();
                    break;
            }
        }

        xml.ReadEndElement();
        return key is not null && size is not null && modified is not null
            ? (key, size.Value, modified.Value)
            : throw new FormatException("The listing names an object without key, size or time.");
    }
}
