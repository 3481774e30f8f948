using Checkpointer.TestKit.Ceph;

namespace Checkpointer.S3.Tests;

/// <summary>What must never be in a message, log, span or metric.</summary>
internal static class Secrets
{
    public static void RequireNone(string text, CephGateway gateway)
    {
        foreach (var secret in new[] { gateway.AccessKey, gateway.SecretKey, "X-Amz-", "AKIANOBODY" })
        {
            Assert.DoesNotContain(secret, text, StringComparison.OrdinalIgnoreCase);
        }
    }
}
