using System.Text.Json;
using Checkpointer.Formats.Errors;
using Checkpointer.Formats.Identity;
using Checkpointer.Service.Journal;

namespace Checkpointer.Service.Notifying;

/// <summary>Up to which incident of each run the receiver has acknowledged; a small JSON file beside the journal. One user at a time.</summary>
internal sealed class WebhookCursor
{
    private const string FileName = "webhook.json";
    private readonly string _path;
    private readonly SortedDictionary<string, long> _delivered;

    private WebhookCursor(string path, SortedDictionary<string, long> delivered) => (_path, _delivered) = (path, delivered);

    /// <summary>Opens it; without one, deliveries begin behind <paramref name="totals"/>: what was before the webhook is not sent.</summary>
    public static WebhookCursor Open(string folder, IReadOnlyDictionary<RunId, long> totals)
    {
        var path = Path.Combine(folder, FileName);
        if (File.Exists(path))
        {
            try
            {
                return new WebhookCursor(path, JsonSerializer.Deserialize<SortedDictionary<string, long>>(File.ReadAllBytes(path)) ?? []);
            }
            catch (JsonException e)
            {
                throw new CheckpointerException(
                    ErrorCode.JournalCorrupt,
                    $"'{path}', which says which incidents the webhook has taken, cannot be read. Delete it to go on with new incidents.",
                    inner: e);
            }
        }

        var cursor = new WebhookCursor(path, new SortedDictionary<string, long>(totals.ToDictionary(run => run.Key.Value, run => run.Value)));
        cursor.Save();
        return cursor;
    }

    /// <summary>The last acknowledged incident of a run; 0 for none.</summary>
    public long Of(RunId run) => _delivered.GetValueOrDefault(run.Value);

    /// <summary>An incident was acknowledged; durable when this returns.</summary>
    public void Advance(RunId run, long number)
    {
        _delivered[run.Value] = number;
        Save();
    }

    private void Save() => DurableFile.Write(_path, JsonSerializer.SerializeToUtf8Bytes(_delivered));
}
