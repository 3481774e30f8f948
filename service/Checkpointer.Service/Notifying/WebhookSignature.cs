using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Checkpointer.Service.Notifying;

/// <summary>
/// <c>Checkpointer-Signature: t=UNIX,v1=HEX</c>: HMAC-SHA256, keyed with the secret's bytes, of the decimal Unix seconds, a dot,
/// and the body's bytes. This format does not change; another one would be a <c>v2</c> beside it.
/// </summary>
internal static class WebhookSignature
{
    /// <summary>The header that carries it.</summary>
    public const string Header = "Checkpointer-Signature";

    /// <summary>The header's value.</summary>
    public static string Sign(ReadOnlySpan<byte> secret, DateTimeOffset at, ReadOnlySpan<byte> body)
    {
        var time = at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, secret);
        hmac.AppendData(Encoding.ASCII.GetBytes(time));
        hmac.AppendData("."u8);
        hmac.AppendData(body);
        return $"t={time},v1={Convert.ToHexStringLower(hmac.GetHashAndReset())}";
    }
}
