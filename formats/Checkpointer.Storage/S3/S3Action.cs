namespace Checkpointer.Storage.S3;

/// <summary>One kind of request: as a message says it, and the permission that it needs.</summary>
internal sealed record S3Action(string Verb, string Permission)
{
    public static readonly S3Action Put = new("put", "s3:PutObject");
    public static readonly S3Action Read = new("read", "s3:GetObject");
    public static readonly S3Action LookUp = new("look up", "s3:GetObject, and s3:ListBucket to be told that there is no object");
    public static readonly S3Action List = new("list", "s3:ListBucket");
    public static readonly S3Action Delete = new("delete", "s3:DeleteObject");
}
