namespace Checkpointer.Storage.S3;

/// <summary>Keys to sign with. Prints as nothing, so that no log or message can hold them.</summary>
internal sealed record S3Credentials(string AccessKey, string SecretKey, string? SessionToken)
{
    public override string ToString() => "S3 credentials";
}
