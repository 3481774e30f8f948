using Checkpointer.Storage.S3;

namespace Checkpointer.S3.Tests.Signing;

public sealed class S3SignerTests
{
    /// <summary>The example of AWS's documentation, "Authenticating Requests: Using Query Parameters".</summary>
    [Fact]
    public void Presign_AmazonsExample_GivesAmazonsSignature()
    {
        var signed = S3Signer.Presign(
            HttpMethod.Get,
            new Uri("https://examplebucket.s3.amazonaws.com/test.txt"),
            new S3Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", null),
            "us-east-1",
            new DateTimeOffset(2013, 5, 24, 0, 0, 0, TimeSpan.Zero),
            TimeSpan.FromDays(1));

        Assert.Contains("X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request", signed.Query, StringComparison.Ordinal);
        Assert.EndsWith(
            "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404", signed.Query, StringComparison.Ordinal);
    }

    [Fact]
    public void Presign_TemporaryKeys_SignTheTokenToo()
    {
        var uri = new Uri("http://models.localhost:8000/a/b.pack");
        var keys = new S3Credentials("AKIAEXAMPLE", "secret", "to/ken+==");

        var signed = Presign(keys);

        Assert.Contains("&X-Amz-Security-Token=to%2Fken%2B%3D%3D&", signed.Query, StringComparison.Ordinal);
        Assert.Equal((uri.Host, uri.Port, uri.AbsolutePath), (signed.Host, signed.Port, signed.AbsolutePath));
        Assert.NotEqual(Signature(signed), Signature(Presign(keys with { SessionToken = "another" })));
        Assert.NotEqual(Signature(signed), Signature(Presign(keys with { SessionToken = null })));

        Uri Presign(S3Credentials credentials) => S3Signer.Presign(
            HttpMethod.Put, uri, credentials, "us-east-1", DateTimeOffset.UnixEpoch, S3Signer.Lifetime);

        static string Signature(Uri uri) => uri.Query[uri.Query.IndexOf("X-Amz-Signature", StringComparison.Ordinal)..];
    }
}
