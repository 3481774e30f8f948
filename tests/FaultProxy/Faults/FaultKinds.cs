using System.Text.Json;
using Checkpointer.FaultProxy.Wire;

namespace Checkpointer.FaultProxy.Faults;

/// <summary>The names of fault kinds, and which requests can suffer which.</summary>
public static class FaultKinds
{
    /// <summary>Every kind.</summary>
    public static IReadOnlyList<FaultKind> All { get; } = Enum.GetValues<FaultKind>();

    /// <summary>The name on the command line and in reports.</summary>
    public static string Name(FaultKind kind) => JsonNamingPolicy.KebabCaseLower.ConvertName(kind.ToString());

    /// <summary>Reads names separated by commas; <c>all</c> is every kind.</summary>
    public static IReadOnlyList<FaultKind> Parse(string names)
    {
        ArgumentNullException.ThrowIfNull(names);
        return names == "all"
            ? All
            : [.. names.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(ParseOne)];
    }

    /// <summary>Whether a request can suffer a kind: some need a body to cut or to spoil.</summary>
    internal static bool Fits(FaultKind kind, RequestHead request) => kind switch
    {
        FaultKind.ResetInRequest or FaultKind.WrongRequest => request.Body is { Kind: BodyKind.Length, Length: > 1 },
        FaultKind.ResetInResponse or FaultKind.ShortBody or FaultKind.ShortLength => request.Method == "GET",
        // A listing with a wrong bit in it is a valid listing of other objects: nothing in the protocol tells.
        FaultKind.WrongResponse => request.Method == "GET" && request.NamesObject,
        FaultKind.HangWithin or FaultKind.Drip =>
            request.Method == "GET" || request.Body is { Kind: BodyKind.Length, Length: > 1 },
        _ => true,
    };

    private static FaultKind ParseOne(string name) =>
        All.Cast<FaultKind?>().FirstOrDefault(kind => Name(kind!.Value) == name)
        ?? throw new FormatException($"No kind of fault '{name}'. There are: {string.Join(", ", All.Select(Name))}.");
}
