using System.Globalization;
using Checkpointer.Storage.Verification;
using Spectre.Console;

namespace Checkpointer.Cli.Verifying;

/// <summary>Shows how far a verification is: a bar on a terminal, now and then a line elsewhere.</summary>
internal sealed class ProgressView(IAnsiConsole console, TimeProvider time)
{
    private static readonly TimeSpan BarPeriod = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LinePeriod = TimeSpan.FromSeconds(10);

    /// <summary>Runs <paramref name="workAsync"/> and shows what it leaves in <paramref name="progress"/>, until it ends.</summary>
    public async Task RunAsync(string what, ProgressBox progress, Func<Task> workAsync)
    {
        if (!console.Profile.Out.IsTerminal || !console.Profile.Capabilities.Interactive)
        {
            var work = workAsync();
            await ShowUntilAsync(work, LinePeriod, () => console.Profile.Out.Writer.WriteLine(Line(what, progress.Newest))).ConfigureAwait(false);
            await work.ConfigureAwait(false);
            return;
        }

        await console.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn(), new SpinnerColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask(Markup.Escape(what), maxValue: 1);
                var work = workAsync();
                await ShowUntilAsync(work, BarPeriod, () => Update(bar, what, progress.Newest)).ConfigureAwait(false);
                Update(bar, what, progress.Newest);
                await work.ConfigureAwait(false);
            }).ConfigureAwait(false);
    }

    private async Task ShowUntilAsync(Task work, TimeSpan period, Action show)
    {
        using var timer = new PeriodicTimer(period, time);
        while (true)
        {
            var tick = timer.WaitForNextTickAsync().AsTask();
            if (await Task.WhenAny(work, tick).ConfigureAwait(false) == work)
            {
                return;
            }

            show();
        }
    }

    private static void Update(ProgressTask bar, string what, VerificationProgress progress)
    {
        bar.MaxValue = Math.Max(1, progress.BytesTotal);
        bar.Value = progress.BytesDone;
        var faults = progress.Faults > 0 ? string.Create(CultureInfo.InvariantCulture, $" [red]{progress.Faults} faults[/]") : "";
        bar.Description = $"{Markup.Escape(what)} {ByteSize.Show((long)progress.BytesPerSecond)}/s{faults}";
    }

    private static string Line(string what, VerificationProgress progress)
    {
        var percent = progress.BytesTotal > 0 ? 100.0 * progress.BytesDone / progress.BytesTotal : 0;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"checkpointer: {what}: {percent:0}% ({ByteSize.Show(progress.BytesDone)} of {ByteSize.Show(progress.BytesTotal)}, {ByteSize.Show((long)progress.BytesPerSecond)}/s, {progress.Faults} faults)");
    }
}
