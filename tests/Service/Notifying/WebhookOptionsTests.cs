using System.Text;
using Checkpointer.Formats.Errors;
using Checkpointer.Service.Hosting;
using Checkpointer.TestKit;

namespace Checkpointer.Service.Tests.Notifying;

public sealed class WebhookOptionsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string SecretFile => _folder.File("secret");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("http://127.0.0.1:1/hook", true)]
    [InlineData("https://scheduler/incidents?token=1", true)]
    [InlineData("ftp://scheduler/incidents", false)]
    [InlineData("file:///etc/passwd", false)]
    [InlineData("https://user:password@scheduler/incidents", false)]
    [InlineData("https://user@scheduler/incidents", false)]
    public void Validate_TakesHttpAddressesWithoutAUser(string url, bool isTaken)
    {
        File.WriteAllText(SecretFile, new string('s', 16));
        Check(Options() with { Url = new Uri(url) }, isTaken);
    }

    [Theory]
    [InlineData(15, false)]
    [InlineData(16, true)]
    [InlineData(4096, true)]
    [InlineData(4097, false)]
    [InlineData(100_000, false)]
    public void Validate_TakesSecretsOf16To4096Bytes(int bytes, bool isTaken)
    {
        File.WriteAllText(SecretFile, new string('s', bytes));
        Check(Options(), isTaken);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(1, true)]
    [InlineData(60_000, true)]
    [InlineData(60_001, false)]
    public void Validate_TakesPausesOfAMillisecondToAMinute(int ms, bool isTaken)
    {
        File.WriteAllText(SecretFile, new string('s', 16));
        Check(Options() with { RetryDelay = TimeSpan.FromMilliseconds(ms) }, isTaken);
    }

    [Fact]
    public void ReadSecret_IsTheContentWithoutWhiteSpaceAtItsEnd_AsItIsNow()
    {
        File.WriteAllText(SecretFile, " a secret of 16 b \t\r\n\n");
        Assert.Equal(" a secret of 16 b", Encoding.UTF8.GetString(Options().ReadSecret()));
        File.WriteAllText(SecretFile, "another secret of the tests");
        Assert.Equal("another secret of the tests", Encoding.UTF8.GetString(Options().ReadSecret()));
    }

    [Fact]
    public void ReadSecret_AFileOfWhiteSpace_IsTooShort()
    {
        File.WriteAllText(SecretFile, new string('\n', 64));
        Check(Options(), isTaken: false);
    }

    [Fact]
    public void Validate_FileThatIsNotThere_IsNamed_AndAFoldersToo()
    {
        Assert.Contains(SecretFile, Check(Options(), isTaken: false)!.Message, StringComparison.Ordinal);
        Directory.CreateDirectory(SecretFile);
        Assert.Contains(SecretFile, Check(Options(), isTaken: false)!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Validate_SecretThatIsWrong_IsNeverRepeated()
    {
        File.WriteAllText(SecretFile, "hush-hush");
        Assert.DoesNotContain("hush-hush", Check(Options(), isTaken: false)!.ToString(), StringComparison.Ordinal);
    }

    private static CheckpointerException? Check(WebhookOptions options, bool isTaken)
    {
        var error = Record.Exception(options.Validate);
        Assert.Equal(isTaken, error is null);
        return isTaken ? null : CheckInvalid(error!);
    }

    private static CheckpointerException CheckInvalid(Exception error)
    {
        var known = Assert.IsType<CheckpointerException>(error);
        Assert.Equal(ErrorCode.ConfigurationInvalid, known.Code);
        return known;
    }

    private WebhookOptions Options() => new() { Url = new Uri("http://127.0.0.1:1/hook"), SecretFile = SecretFile };
}
