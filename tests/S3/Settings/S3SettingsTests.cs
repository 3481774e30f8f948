using Checkpointer.Formats.Errors;
using Checkpointer.Storage;
using Checkpointer.Storage.S3;

namespace Checkpointer.S3.Tests.Settings;

public sealed class S3SettingsTests
{
    [Fact]
    public void Resolve_OnlyABucket_TakesAmazonsDefaults()
    {
        var settings = Resolve("s3://models");

        Assert.Equal("models", settings.Bucket);
        Assert.Equal("", settings.Prefix);
        Assert.Equal(new Uri("https://s3.us-east-1.amazonaws.com"), settings.Endpoint);
        Assert.Equal("us-east-1", settings.Region);
        Assert.True(settings.HostStyle);
        Assert.Null(settings.CaFile);
        Assert.Equal(S3Checksum.Auto, settings.Checksum);
        Assert.Equal("/root/.aws/credentials", settings.Credentials.File);
        Assert.Equal("default", settings.Credentials.Profile);
    }

    [Theory]
    [InlineData("s3://models/", "")]
    [InlineData("s3://models/a", "a/")]
    [InlineData("s3://models/a/b-c.d/", "a/b-c.d/")]
    public void Resolve_Prefix_EndsInASlash(string url, string prefix) => Assert.Equal(prefix, Resolve(url).Prefix);

    [Fact]
    public void Resolve_EverySource_TheUrlWinsThenOptionsThenEnvironment()
    {
        var options = new S3Options { Endpoint = new Uri("http://from.options:9000"), Region = "options", Profile = "options" };
        (string, string)[] environment =
        [
            ("AWS_ENDPOINT_URL", "http://from.environment"), ("AWS_REGION", "environment"), ("AWS_CA_BUNDLE", "/environment.pem"),
        ];

        var settings = Resolve("s3://models?endpoint=http%3A%2F%2Ffrom.url%3A8000&checksum=md5", options, environment);

        Assert.Equal(new Uri("http://from.url:8000"), settings.Endpoint);
        Assert.Equal("options", settings.Region);
        Assert.Equal("options", settings.Credentials.Profile);
        Assert.Equal("/environment.pem", settings.CaFile);
        Assert.Equal(S3Checksum.Md5, settings.Checksum);
        Assert.Equal(new Uri("http://from.options:9000"), Resolve("s3://models", options, environment).Endpoint);
        Assert.Equal(new Uri("http://from.environment"), Resolve("s3://models", new S3Options(), environment).Endpoint);
    }

    [Theory]
    [InlineData("s3://models?endpoint=http://ceph.local", false)]
    [InlineData("s3://models?endpoint=http://ceph.local&addressing=host", true)]
    [InlineData("s3://models?addressing=path", false)]
    [InlineData("s3://models.v2", false)]
    public void Resolve_Addressing_IsPathStyleExceptAtAmazon(string url, bool hostStyle) =>
        Assert.Equal(hostStyle, Resolve(url).HostStyle);

    [Theory]
    [InlineData("s3://", "bucket")]
    [InlineData("s3://ab", "bucket")]
    [InlineData("s3://bad bucket", "bucket")]
    [InlineData("s3://..models", "bucket")]
    [InlineData("s3://models//x", "prefix")]
    [InlineData("s3://models/../x", "prefix")]
    [InlineData("s3://models/%2e%2e/x", "prefix")]
    [InlineData("s3://models?end=x", "not known")]
    [InlineData("s3://models?endpoint=ftp://x", "endpoint")]
    [InlineData("s3://models?endpoint=http://x/path", "no path")]
    [InlineData("s3://models?endpoint=http://127.0.0.1&addressing=host", "addressing=path")]
    [InlineData("s3://models?checksum=3", "checksum")]
    [InlineData("s3://models?checksum=sha1", "checksum")]
    [InlineData("s3://models?region=a/b", "region")]
    [InlineData("s3://models?region=", "no value")]
    [InlineData("s3://models?region=a&region=b", "twice")]
    [InlineData("s3://models#x", "fragment")]
    public void Resolve_Nonsense_IsRefusedWithTheReason(string url, string reason) =>
        Assert.Contains(reason, Refused(() => Resolve(url)), StringComparison.Ordinal);

    [Theory]
    [InlineData("s3://AKIAEXAMPLE:hunter2hunter2@models")]
    [InlineData("s3://models?access_key=AKIAEXAMPLE&secret_key=hunter2hunter2")]
    [InlineData("s3://models?X-Amz-Credential=AKIAEXAMPLE")]
    [InlineData("s3://models?session_token=hunter2hunter2")]
    public void Resolve_KeysInTheUrl_AreRefusedAndNotRepeated(string url)
    {
        var message = Refused(() => Resolve(url));

        Assert.Contains("AWS_ACCESS_KEY_ID", message, StringComparison.Ordinal);
        Assert.DoesNotContain("AKIAEXAMPLE", message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", message, StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_HalfACredential_NamesWhatIsMissing()
    {
        Assert.Contains(
            "AWS_SECRET_ACCESS_KEY is not",
            Refused(() => Resolve("s3://models", new S3Options(), ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"))),
            StringComparison.Ordinal);
        Assert.Contains(
            "access_key is not",
            Refused(() => Resolve("s3://models", new S3Options { SecretKey = "hunter2" })),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Resolve_Keys_ComeFromOptionsThenANamedFileThenTheEnvironment()
    {
        (string, string)[] environment = [("AWS_ACCESS_KEY_ID", "env"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
        var options = new S3Options { AccessKey = "opt", SecretKey = "s" };

        Assert.Equal("opt", Resolve("s3://models", options, environment).Credentials.Given!.AccessKey);
        Assert.Equal("t", Resolve("s3://models", new S3Options(), environment).Credentials.Given!.SessionToken);
        Assert.Null(Resolve("s3://models?credentials_file=/f", options, environment).Credentials.Given);
        Assert.Equal("/f", Resolve("s3://models?credentials_file=/f", options, environment).Credentials.File);
        Assert.Null(Resolve("s3://models?profile=p", new S3Options(), environment).Credentials.Given);
    }

    [Fact]
    public void ToString_Options_HoldNoKeys()
    {
        var options = new S3Options { AccessKey = "AKIAEXAMPLE", SecretKey = "hunter2", SessionToken = "hunter2" };
        var store = new StoreOptions { Url = "s3://models", S3 = options };

        Assert.DoesNotContain("hunter2", $"{options} {store} {new S3Credentials("AKIAEXAMPLE", "hunter2", null)}", StringComparison.Ordinal);
        Assert.DoesNotContain("AKIA", $"{options} {store} {new S3Credentials("AKIAEXAMPLE", "hunter2", null)}", StringComparison.Ordinal);
    }

    private static S3Settings Resolve(string url) => Resolve(url, new S3Options());

    private static S3Settings Resolve(string url, S3Options options, params (string Name, string Value)[] environment) =>
        S3Settings.Resolve(
            new StoreOptions { Url = url, S3 = options },
            name => environment.FirstOrDefault(variable => variable.Name == name).Value);

    private static string Refused(Action action)
    {
        var failure = Assert.Throws<CheckpointerException>(action);
        Assert.Equal(ErrorCode.ConfigurationInvalid, failure.Code);
        return failure.Message;
    }
}
