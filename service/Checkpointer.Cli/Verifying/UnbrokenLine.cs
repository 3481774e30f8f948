using Spectre.Console;
using Spectre.Console.Rendering;

namespace Checkpointer.Cli.Verifying;

/// <summary>A line that the terminal may wrap but this program does not: an address in it can be copied whole.</summary>
internal sealed class UnbrokenLine(string label, Style style, string text) : Renderable
{
    /// <inheritdoc/>
    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
        [new Segment(label, style), new Segment(text), Segment.LineBreak];
}
