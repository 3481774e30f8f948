using System.Diagnostics;
using System.Globalization;
using Checkpointer.Formats.Errors;
using Checkpointer.Storage.FileSystem;
using Checkpointer.TestKit;

namespace Checkpointer.Storage.Tests.FileSystem;

/// <summary>What this executable does when a test runs it again as a child. The first argument is the store's root.</summary>
internal static class StoreChildren
{
    public const string Put = "put";
    public const string PutIfAbsent = "put-if-absent";
    public const string Delete = "delete";
    public const string Race = "race";
    public const string FullDisk = "full-disk";
    public const string MeasurePut = "measure-put";

    public static readonly IReadOnlyDictionary<string, Func<string[], Task<int>>> Programs =
        new Dictionary<string, Func<string[], Task<int>>>
        {
            [Put] = PutAsync,
            [PutIfAbsent] = PutIfAbsentAsync,
            [Delete] = DeleteAsync,
            [Race] = RaceAsync,
            [FullDisk] = FullDiskAsync,
            [MeasurePut] = MeasurePutAsync,
        };

    /// <summary>Arguments: root, key, length, seed.</summary>
    private static async Task<int> PutAsync(string[] arguments)
    {
        using var store = new FileSystemObjectStore(arguments[0]);
        await store.PutAsync(new ObjectKey(arguments[1]), Content(arguments[2], arguments[3]), CancellationToken.None);
        return 0;
    }

    private static async Task<int> PutIfAbsentAsync(string[] arguments)
    {
        using var store = new FileSystemObjectStore(arguments[0]);
        _ = await store.PutIfAbsentAsync(
            new ObjectKey(arguments[1]), Content(arguments[2], arguments[3]), CancellationToken.None);
        return 0;
    }

    private static async Task<int> DeleteAsync(string[] arguments)
    {
        using var store = new FileSystemObjectStore(arguments[0]);
        await store.DeleteAsync(new ObjectKey(arguments[1]), CancellationToken.None);
        return 0;
    }

    /// <summary>Arguments: root, number of keys, seed. Prints the keys that this process created.</summary>
    private static async Task<int> RaceAsync(string[] arguments)
    {
        using var store = new FileSystemObjectStore(arguments[0]);
        for (var i = 0; i < int.Parse(arguments[1], CultureInfo.InvariantCulture); i++)
        {
            var key = new ObjectKey($"runs/race/{i:D4}/MANIFEST.json");
            if (await store.PutIfAbsentAsync(key, Content("5000", arguments[2]), CancellationToken.None)
                == PutOutcome.Created)
            {
                Console.WriteLine(key.Value);
            }
        }

        return 0;
    }

    /// <summary>Fills a small file system and checks what the store says and leaves.</summary>
    private static async Task<int> FullDiskAsync(string[] arguments)
    {
        using var store = new FileSystemObjectStore(arguments[0]);
        var content = Content("1048576", "1");
        var stored = 0;
        try
        {
            for (; stored < 100; stored++)
            {
                await store.PutAsync(new ObjectKey($"packs/{stored:D3}"), content, CancellationToken.None);
            }

            Console.WriteLine("the disk never became full");
            return 1;
        }
        catch (CheckpointerException e) when (e is { Code: ErrorCode.StorageFull, IsTransient: false })
        {
            var listed = 0;
            await foreach (var info in store.ListAsync("", CancellationToken.None))
            {
                listed += info.SizeBytes == 1 << 20 ? 1 : 1000;
            }

            // The failed put's temporary file is gone, so a small one finds room again.
            await store.PutAsync(new ObjectKey("small"), Content("1000", "2"), CancellationToken.None);
            Console.WriteLine($"stored {stored}, listed {listed}");
            return stored > 0 && listed == stored ? 0 : 1;
        }
    }

    /// <summary>
    /// Arguments: root, MiB. Alternates a put with a plain write and fsync of the same warm bytes, and prints the
    /// fastest of each and their ratio.
    /// </summary>
    private static async Task<int> MeasurePutAsync(string[] arguments)
    {
        using var store = new FileSystemObjectStore(arguments[0]);
        var bytes = TestBytes.Make(int.Parse(arguments[1], CultureInfo.InvariantCulture) << 20, seed: 1);
        var best = new double[] { double.MaxValue, double.MaxValue };
        for (var round = 0; round < 4; round++)
        {
            var watch = Stopwatch.StartNew();
            var path = Path.Combine(arguments[0], "plain");
            using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write))
            {
                RandomAccess.Write(file, bytes, 0);
                RandomAccess.FlushToDisk(file);
            }

            best[0] = Math.Min(best[0], watch.Elapsed.TotalSeconds);
            File.Delete(path);
            watch.Restart();
            await store.PutAsync(new ObjectKey("runs/m/pack"), new ObjectContent(bytes), CancellationToken.None);
            best[1] = Math.Min(best[1], watch.Elapsed.TotalSeconds);
            await store.DeleteAsync(new ObjectKey("runs/m/pack"), CancellationToken.None);
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"plain {bytes.Length / best[0] / 1e9:F2} GB/s, put {bytes.Length / best[1] / 1e9:F2} GB/s, ratio {best[0] / best[1]:F2}"));
        return 0;
    }

    private static ObjectContent Content(string length, string seed) => new(TestBytes.Make(
        int.Parse(length, CultureInfo.InvariantCulture), int.Parse(seed, CultureInfo.InvariantCulture)));
}
