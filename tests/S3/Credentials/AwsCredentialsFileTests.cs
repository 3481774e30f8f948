using Checkpointer.Formats.Errors;
using Checkpointer.Storage.S3;
using Checkpointer.TestKit;

namespace Checkpointer.S3.Tests.Credentials;

public sealed class AwsCredentialsFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string FilePath => _folder.File("credentials");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_WhatOthersWrite_FindsTheProfile()
    {
        File.WriteAllText(
            FilePath,
            "# keys\r\n[default]\r\naws_access_key_id=one\r\naws_secret_access_key = a=b+/c==\r\n\r\n"
            + "; more\n[ train ]\n  AWS_ACCESS_KEY_ID = two\naws_secret_access_key=s\naws_session_token = t\nregion = eu\n[profile third]\n"
            + "aws_access_key_id = three\naws_secret_access_key = x\naws_session_token =\n");

        Assert.Equal(new S3Credentials("one", "a=b+/c==", null), AwsCredentialsFile.Read(FilePath, "default"));
        Assert.Equal(new S3Credentials("two", "s", "t"), AwsCredentialsFile.Read(FilePath, "train"));
        Assert.Equal(new S3Credentials("three", "x", null), AwsCredentialsFile.Read(FilePath, "third"));
    }

    [Theory]
    [InlineData("", "no section [default]")]
    [InlineData("[other]\naws_access_key_id = hunter2\naws_secret_access_key = hunter2", "no section [default]")]
    [InlineData("[default]\naws_secret_access_key = hunter2", "no aws_access_key_id")]
    [InlineData("[default]\naws_access_key_id = hunter2\naws_secret_access_key =", "no aws_secret_access_key")]
    [InlineData("[default]\nrole_arn = arn:aws:iam::1:role/x", "role_arn is not supported")]
    [InlineData("hunter2", "no section [default]")]
    public void Read_Incomplete_SaysWhatIsMissingAndNoKey(string text, string reason)
    {
        File.WriteAllText(FilePath, text);

        var failure = Assert.Throws<CheckpointerException>(() => AwsCredentialsFile.Read(FilePath, "default"));

        Assert.Equal(ErrorCode.ConfigurationInvalid, failure.Code);
        Assert.Contains(reason, failure.Message, StringComparison.Ordinal);
        Assert.Contains(FilePath, failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", failure.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_NoFileOrTooLong_IsRefused()
    {
        var missing = Assert.Throws<CheckpointerException>(() => AwsCredentialsFile.Read(FilePath, "default"));
        Assert.Contains("AWS_ACCESS_KEY_ID", missing.Message, StringComparison.Ordinal);

        var text = "[default]\naws_access_key_id = a\naws_secret_access_key = b\n#";
        File.WriteAllText(FilePath, text.PadRight(AwsCredentialsFile.MaxBytes, '#'));
        Assert.Equal("a", AwsCredentialsFile.Read(FilePath, "default").AccessKey);

        File.WriteAllText(FilePath, text.PadRight(AwsCredentialsFile.MaxBytes + 1, '#'));
        Assert.Contains(
            "more than", Assert.Throws<CheckpointerException>(() => AwsCredentialsFile.Read(FilePath, "default")).Message, StringComparison.Ordinal);
    }
}
