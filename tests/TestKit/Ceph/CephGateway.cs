using System.Diagnostics;
using System.Text.Json;
using Minio;
using Minio.DataModel.Args;

namespace Checkpointer.TestKit.Ceph;

/// <summary>
/// A real S3 server for a test process: <c>tests/ceph/gateway</c>, started at the first use and gone with the process.
/// Where CHECKPOINTER_TEST_GATEWAY names the folder of one that runs already, that one is used (without TLS only).
/// </summary>
public sealed class CephGateway
{
    /// <summary>The variable that names a running gateway's folder.</summary>
    public const string FolderVariable = "CHECKPOINTER_TEST_GATEWAY";

    private static readonly TimeSpan StartDeadline = TimeSpan.FromMinutes(2);
    private static readonly Lazy<Task<CephGateway>> Plain = new(() => OpenAsync(tls: false));
    private static readonly Lazy<Task<CephGateway>> Secured = new(() => OpenAsync(tls: true));

    // Kept, for collecting one would close the input that its gateway lives by.
    private static readonly List<Process> Started = [];

    private CephGateway(string folder, Uri endpoint, string region)
    {
        Folder = folder;
        Endpoint = endpoint;
        Region = region;
    }

    /// <summary>The gateway's folder, with its logs.</summary>
    public string Folder { get; }

    /// <summary><c>http://127.0.0.1:port</c>, https for the gateway with TLS.</summary>
    public Uri Endpoint { get; }

    /// <summary>The region to sign for.</summary>
    public string Region { get; }

    /// <summary>An AWS shared credentials file with full rights under <c>default</c>.</summary>
    public string CredentialsFile => Path.Combine(Folder, "credentials");

    /// <summary>The authority of the TLS gateway's certificate (for 127.0.0.1, localhost, s3.localhost and *.s3.localhost).</summary>
    public string CaFile => Path.Combine(Folder, "ca.pem");

    /// <summary>The access key of <see cref="CredentialsFile"/>.</summary>
    public string AccessKey => Credential("aws_access_key_id");

    /// <summary>The secret key of <see cref="CredentialsFile"/>.</summary>
    public string SecretKey => Credential("aws_secret_access_key");

    /// <summary>The process's one gateway without TLS, started if need be.</summary>
    public static Task<CephGateway> GetAsync(CancellationToken cancellationToken) =>
        Plain.Value.WaitAsync(cancellationToken);

    /// <summary>The process's one gateway with TLS, started if need be.</summary>
    public static Task<CephGateway> GetWithTlsAsync(CancellationToken cancellationToken) =>
        Secured.Value.WaitAsync(cancellationToken);

    /// <summary>The store URL of a bucket (and prefix) here, with all that is needed to open it.</summary>
    public string StoreUrl(string bucketAndPrefix) =>
        $"s3://{bucketAndPrefix}?endpoint={Uri.EscapeDataString(Endpoint.GetLeftPart(UriPartial.Authority))}"
        + $"&region={Region}&credentials_file={Uri.EscapeDataString(CredentialsFile)}"
        + (Endpoint.Scheme == Uri.UriSchemeHttps ? $"&ca_file={Uri.EscapeDataString(CaFile)}" : "");

    /// <summary>Makes an empty bucket with a name nobody else uses.</summary>
    public async Task<string> NewBucketAsync(CancellationToken cancellationToken)
    {
        var name = $"test-{Guid.NewGuid():n}"[..24];
        await MakeBucketAsync(name, cancellationToken).ConfigureAwait(false);
        return name;
    }

    /// <summary>Makes an empty bucket.</summary>
    public async Task MakeBucketAsync(string name, CancellationToken cancellationToken)
    {
        using var client = NewClient();
        await client.MakeBucketAsync(new MakeBucketArgs().WithBucket(name), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Deletes a bucket and all in it, so that a gateway that outlives the process does not fill up.</summary>
    public async Task DeleteBucketAsync(string name, CancellationToken cancellationToken)
    {
        using var client = NewClient();
        var all = new ListObjectsArgs().WithBucket(name).WithRecursive(true);
        await Parallel.ForEachAsync(
            client.ListObjectsEnumAsync(all, cancellationToken),
            new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = cancellationToken },
            async (item, token) => await client.RemoveObjectAsync(
                new RemoveObjectArgs().WithBucket(name).WithObject(item.Key), token).ConfigureAwait(false)).ConfigureAwait(false);

        await client.RemoveBucketAsync(new RemoveBucketArgs().WithBucket(name), cancellationToken).ConfigureAwait(false);
    }

    private static async Task<CephGateway> OpenAsync(bool tls)
    {
        var running = Environment.GetEnvironmentVariable(FolderVariable);
        if (!tls && !string.IsNullOrEmpty(running))
        {
            return Read(running);
        }

        var folder = Directory.CreateTempSubdirectory("checkpointer-ceph-").FullName;
        var process = Start(folder, tls);
        lock (Started)
        {
            Started.Add(process);
        }

        var started = Stopwatch.GetTimestamp();
        while (!File.Exists(Path.Combine(folder, "ready.json")))
        {
            if (process.HasExited || Stopwatch.GetElapsedTime(started) > StartDeadline)
            {
                throw new InvalidOperationException(
                    $"The S3 gateway in '{folder}' {(process.HasExited ? "ended" : "is not ready")}; see its folder 'log'.");
            }

            await Task.Delay(100).ConfigureAwait(false);
        }

        return Read(folder);
    }

    /// <summary>The shell waits for the end of its input, which comes when this process ends, however that happens.</summary>
    private static Process Start(string folder, bool tls)
    {
        var start = new ProcessStartInfo("/bin/bash")
        {
            RedirectStandardInput = true,
            ArgumentList =
            {
                "-c", "\"$0\" run \"$1\" </dev/null >\"$1/gateway.log\" 2>&1 & cat >/dev/null; kill $!; wait; rm -rf \"$1\"",
                FindScript(), folder,
            },
        };
        start.Environment["CEPH_TLS"] = tls ? "1" : "0";
        return Process.Start(start)!;
    }

    private static string FindScript()
    {
        for (var at = new DirectoryInfo(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            var script = Path.Combine(at.FullName, "tests", "ceph", "gateway");
            if (File.Exists(script))
            {
                return script;
            }
        }

        throw new InvalidOperationException("tests/ceph/gateway is in no folder above the test program.");
    }

    private static CephGateway Read(string folder)
    {
        using var ready = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(folder, "ready.json")));
        return new CephGateway(
            folder,
            new Uri(ready.RootElement.GetProperty("endpoint").GetString()!),
            ready.RootElement.GetProperty("region").GetString()!);
    }

    private string Credential(string name) => File.ReadLines(CredentialsFile)
        .Select(line => line.Split('=', 2, StringSplitOptions.TrimEntries))
        .First(pair => pair is [var key, _] && key == name)[1];

    private IMinioClient NewClient()
    {
        var client = new MinioClient()
            .WithEndpoint(Endpoint.Authority)
            .WithCredentials(AccessKey, SecretKey)
            .WithRegion(Region);
        if (Endpoint.Scheme == Uri.UriSchemeHttps)
        {
            client = client.WithSSL().WithHttpClient(
                new HttpClient(new HttpClientHandler
                {
                    ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator,
                }),
                disposeHttpClient: true);
        }

        return client.Build();
    }
}
