namespace Checkpointer.Simulation.Mutants;

/// <summary>A deliberate breakage of production code, kept as a patch that nothing but the campaign applies.</summary>
/// <param name="Name">The patch's file name, without its ending.</param>
/// <param name="Breaks">What the code does wrongly with it.</param>
/// <param name="Patch">The file.</param>
internal sealed record Mutant(string Name, string Breaks, string Patch)
{
    private const string Folder = "tests/Simulation/Mutants";
    private const string Header = "Breaks: ";

    /// <summary>All of the source tree at <paramref name="root"/>, or those of <paramref name="names"/>.</summary>
    public static IReadOnlyList<Mutant> Read(string root, IReadOnlyList<string> names)
    {
        List<Mutant> all = [.. Directory.GetFiles(Path.Combine(root, Folder), "*.patch").Order(StringComparer.Ordinal).Select(Read)];
        return names.Count == 0
            ? all
            : [.. names.Select(name => all.Find(mutant => mutant.Name == name)
                ?? throw new ArgumentException($"There is no mutant '{name}'. There are: {string.Join(", ", all.Select(mutant => mutant.Name))}."))];
    }

    private static Mutant Read(string patch)
    {
        var first = File.ReadLines(patch).First();
        return first.StartsWith(Header, StringComparison.Ordinal)
            ? new Mutant(Path.GetFileNameWithoutExtension(patch), first[Header.Length..], patch)
            : throw new InvalidDataException($"'{patch}' does not begin with '{Header}'.");
    }
}
