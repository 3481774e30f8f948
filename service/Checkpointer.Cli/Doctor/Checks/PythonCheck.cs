using System.Diagnostics;

namespace Checkpointer.Cli.Doctor.Checks;

/// <summary>Whether this machine's Python can import the hooks and PyTorch; trainers may have a Python of their own.</summary>
internal sealed class PythonCheck : ICheck
{
    private const string Program = """
        import sys
        print('Python', sys.version.split()[0])
        for name in ('checkpointer', 'torch'):
            try:
                module = __import__(name)
                print(name, getattr(module, '__version__', ''))
            except Exception as e:
                print('!', name, type(e).__name__, e)
        """;

    public async Task<IReadOnlyList<Finding>> RunAsync(Surroundings surroundings, CancellationToken cancellationToken)
    {
        var python = Configuration.Variables.Get("CHECKPOINTER_PYTHON") ?? "python3";
        try
        {
            using var process = Process.Start(new ProcessStartInfo(python, ["-c", Program]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            try
            {
                var text = await process.StandardOutput.ReadToEndAsync(cancellationToken).ConfigureAwait(false);
                var lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                var missing = lines.Where(line => line.StartsWith('!')).Select(line => line[2..].Split(' ')[0]).ToList();
                var found = string.Join(", ", lines.Where(line => !line.StartsWith('!')));
                return missing.Count == 0
                    ? [Finding.Ok(found)]
                    : [Finding.Skipped(
                        $"{found}; cannot import {string.Join(" and ", missing)}",
                        "If trainers use this Python: pip install the hooks (agent/hooks/python) and PyTorch. Else name theirs in CHECKPOINTER_PYTHON.")];
            }
            finally
            {
                if (!process.HasExited)
                {
                    process.Kill(entireProcessTree: true);
                }
            }
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return [Finding.Skipped($"no '{python}' on this machine", "Name the trainers' Python in CHECKPOINTER_PYTHON.")];
        }
    }
}
