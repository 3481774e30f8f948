using System.Globalization;
using Checkpointer.Formats.Identity;

namespace Checkpointer.Service.Runs;

/// <summary>Ranks as people read them.</summary>
internal static class RankNames
{
    private const int Shown = 8;

    /// <summary>"rank 3", "ranks 3, 7", or "ranks 0, 1, 2, 3, 4, 5, 6, 7 and more".</summary>
    public static string Of(IReadOnlyList<Rank> ranks)
    {
        var names = string.Join(", ", ranks.Take(Shown));
        var more = ranks.Count > Shown ? " and more" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{(ranks.Count == 1 ? "rank" : "ranks")} {names}{more}");
    }
}
