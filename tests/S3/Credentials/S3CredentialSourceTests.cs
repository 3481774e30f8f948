using Checkpointer.Formats.Errors;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace Checkpointer.S3.Tests.Credentials;

public sealed class S3CredentialSourceTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new();

    private string FilePath => _folder.File("credentials");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Current_FileReplaced_IsFollowedWithinASecond()
    {
        Write("one");
        var source = Open();
        Write("two");

        _time.Advance(TimeSpan.FromMilliseconds(999));
        Assert.Equal("one", source.Current().AccessKey);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("two", source.Current().AccessKey);
    }

    [Fact]
    public void Current_AfterARefusal_IsReadAtOnce()
    {
        Write("one");
        var source = Open();
        Write("two");

        source.Refused();

        Assert.Equal("two", source.Current().AccessKey);
    }

    [Fact]
    public void Current_FileBehindSwappedLinks_IsFollowed()
    {
        foreach (var name in new[] { "one", "two" })
        {
            Directory.CreateDirectory(_folder.File(name));
            Write(name, Path.Combine(_folder.File(name), "credentials"));
        }

        File.CreateSymbolicLink(_folder.File("..data"), "one");
        File.CreateSymbolicLink(FilePath, "..data/credentials");
        var source = Open();

        File.Delete(_folder.File("..data"));
        File.CreateSymbolicLink(_folder.File("..data"), "two");
        _time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal("two", source.Current().AccessKey);
    }

    [Fact]
    public void Current_FileGoneOrHalfWritten_KeepsTheLastKeysAndSaysSo()
    {
        Write("one");
        var source = Open();

        File.WriteAllText(FilePath, "[default]\naws_access_key_id = two\n");
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("one", source.Current().AccessKey);
        Assert.Contains("no aws_secret_access_key", source.Description, StringComparison.Ordinal);

        File.Delete(FilePath);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("one", source.Current().AccessKey);

        Write("two");
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("two", source.Current().AccessKey);
        Assert.Equal($"section [default] of '{FilePath}'", source.Description);
    }

    [Fact]
    public void New_NoFile_IsRefused() =>
        Assert.Equal(ErrorCode.ConfigurationInvalid, Assert.Throws<CheckpointerException>(Open).Code);

    private S3CredentialSource Open() => new(new S3CredentialSettings(null, FilePath, "default"), _time);

    private void Write(string access, string? path = null) => File.WriteAllText(
        path ?? FilePath, $"[default]\naws_access_key_id = {access}\naws_secret_access_key = secret\n");
}
