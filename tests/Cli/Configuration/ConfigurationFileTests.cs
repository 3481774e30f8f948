using Checkpointer.Cli.Configuration;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit;

namespace Checkpointer.Cli.Tests.Configuration;

/// <summary>Configuration files, right and wrong.</summary>
public sealed class ConfigurationFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => Path.Combine(_folder.Path, "config.json");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Load_CommentsAndTrailingCommas_AreFine()
    {
        var file = Load(
            """
            { // where
              "service": { "address": "http://10.0.0.1:7070", },
              "store": { "url": "s3://bucket/prefix", "s3": { "addressing": "path", "region": "eu-west-1" } }
            }
            """);

        Assert.Equal(new Uri("http://10.0.0.1:7070"), file.Service.Address);
        Assert.Equal("s3://bucket/prefix", file.Store.Url);
        Assert.Equal(S3Addressing.Path, file.Store.S3.Addressing);
        Assert.Equal("eu-west-1", file.Store.S3.Region);
    }

    [Fact]
    public void Load_SettingsThatAreLeftOut_KeepTheirDefaults()
    {
        var file = Load("""{ "store": { "s3": { "region": "x" }, "resilience": { "max_attempts": 2 } } }""");

        Assert.Equal(new S3Options().ConnectTimeout, file.Store.S3.ConnectTimeout);
        Assert.Equal(new Checkpointer.Storage.Resilience.ResilienceOptions { MaxAttempts = 2 }, file.Store.Resilience);
    }

    [Fact]
    public void Load_Durations_AreWrittenAsOnTheCommandLine()
    {
        var file = Load("""{ "store": { "s3": { "connect_timeout": "1m30s" }, "resilience": { "call_timeout": null, "retry_delay": "00:00:02" } } }""");

        Assert.Equal(TimeSpan.FromSeconds(90), file.Store.S3.ConnectTimeout);
        Assert.Equal(TimeSpan.FromSeconds(2), file.Store.Resilience.RetryDelay);
        Assert.Null(file.Store.Resilience.CallTimeout);
    }

    [Fact]
    public void Load_Webhook_IsOfTheService()
    {
        var file = Load("""{ "service": { "webhook": { "url": "https://scheduler/incidents", "secret_file": "/run/secrets/webhook" } } }""");
        Assert.Equal((new Uri("https://scheduler/incidents"), "/run/secrets/webhook"), (file.Service.Webhook.Url, file.Service.Webhook.SecretFile));
        Assert.Null(Load("""{ "service": { } }""").Service.Webhook.Url);
    }

    [Fact]
    public void Load_EmptyFile_SaysNothing() => Assert.Same(ConfigurationFile.Empty, Load(""));

    [Theory]
    [InlineData("""{ "store": { "s3": { "endpoin": "x" } } }""", "no setting 'store.s3.endpoin'")]
    [InlineData("""{ "shop": {} }""", "no setting 'shop'")]
    [InlineData("""{ "service": { "webhook": { "secret": "hush-hush" } } }""", "no setting 'service.webhook.secret'")]
    [InlineData("""{ "store": { "url": 5 } }""", "'store.url' is of the wrong kind")]
    [InlineData("""{ "store": null }""", "'store' is of the wrong kind")]
    [InlineData("""{ "store": { "s3": { "addressing": "sideways" } } }""", "'store.s3.addressing' is of the wrong kind")]
    [InlineData("""{ "store": { "url": "a", "url": "b" } }""", "'store.url'")]
    [InlineData("""{ "store": { "s3": { "connect_timeout": "soon" } } }""", "line 1: the value of 'store.s3.connect_timeout' is no duration: write one such as 30s")]
    [InlineData("""{ "store": { "resilience": { "retry_delay": 5 } } }""", "the value of 'store.resilience.retry_delay' is no duration")]
    [InlineData("""{ "store": { "url": "a" """, "no valid JSON")]
    [InlineData("[]", "no object")]
    public void Load_WhatIsWrong_IsNamedWithFileAndKey(string text, string expected)
    {
        var error = Assert.Throws<CheckpointerException>(() => Load(text));

        Assert.Equal(ErrorCode.ConfigurationInvalid, error.Code);
        Assert.Contains(FilePath, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Checkpointer.Cli", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_WrongKindOfSecret_IsNotRepeated()
    {
        var error = Assert.Throws<CheckpointerException>(
            () => Load("""{ "store": { "s3": { "secret_key": { "hush-hush": 1 } } } }"""));

        Assert.DoesNotContain("hush-hush", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_OneByteOverTheLimit_IsRefused()
    {
        Assert.NotNull(Load(new string(' ', ConfigurationFile.MaxBytes - 2) + "{}"));
        Assert.Throws<CheckpointerException>(() => Load(new string(' ', ConfigurationFile.MaxBytes - 1) + "{}"));
    }

    [Fact]
    public void Load_FileThatIsNotThere_IsNamed()
    {
        var error = Assert.Throws<CheckpointerException>(() => ConfigurationFile.Load(FilePath));

        Assert.Contains("does not exist", error.Message, StringComparison.Ordinal);
    }

    private ConfigurationFile Load(string text)
    {
        File.WriteAllText(FilePath, text);
        return ConfigurationFile.Load(FilePath);
    }
}
