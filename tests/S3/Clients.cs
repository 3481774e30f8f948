using Checkpointer.TestKit.Ceph;
using Checkpointer.TestKit.Processes;

namespace Checkpointer.S3.Tests;

/// <summary>Independent S3 clients: what they see is what is there.</summary>
internal static class Clients
{
    public static async Task<string> AwsAsync(CephGateway gateway, params string[] arguments)
    {
        var result = await ChildProcess.ExecuteAsync(
            [
                "/usr/bin/env", "-u", "AWS_PROFILE", $"AWS_SHARED_CREDENTIALS_FILE={gateway.CredentialsFile}", $"AWS_REGION={gateway.Region}",
                "/usr/bin/aws", "--endpoint-url", gateway.Endpoint.GetLeftPart(UriPartial.Authority), .. arguments,
            ],
            crashAt: null,
            TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, $"aws {string.Join(' ', arguments)}: {result.Error}");
        return result.Output;
    }

    public static async Task<string> S3cmdAsync(CephGateway gateway, params string[] arguments)
    {
        var result = await ChildProcess.ExecuteAsync(
            [
                "/usr/bin/s3cmd", "--config=/dev/null", "--no-ssl", $"--access_key={gateway.AccessKey}", $"--secret_key={gateway.SecretKey}",
                $"--host={gateway.Endpoint.Authority}", $"--host-bucket={gateway.Endpoint.Authority}", .. arguments,
            ],
            crashAt: null,
            TestContext.Current.CancellationToken);
        Assert.True(result.ExitCode == 0, $"s3cmd {string.Join(' ', arguments)}: {result.Error}");
        return result.Output;
    }
}
