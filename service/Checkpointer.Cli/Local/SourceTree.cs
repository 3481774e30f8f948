namespace Checkpointer.Cli.Local;

/// <summary>Where the trainer and the Python package lie in this source tree.</summary>
internal sealed record SourceTree(string Root)
{
    /// <summary>The PyTorch job that the demo trains.</summary>
    public string TrainerScript => Path.Combine(Root, "tests", "trainer", "train.py");

    /// <summary>The script that starts an S3 server.</summary>
    public string GatewayScript => Path.Combine(Root, "tests", "ceph", "gateway");

    /// <summary>The folder that holds the Python package <c>checkpointer</c>.</summary>
    public string HooksFolder => Path.Combine(Root, "agent", "hooks", "python");

    /// <summary>Finds the tree that this program was built from.</summary>
    public static SourceTree Find()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Checkpointer.sln")))
            {
                return new SourceTree(folder.FullName);
            }
        }

        throw new CliException(
            "This command needs the trainer in tests/trainer: run it from a checkout of the source, with "
            + "'dotnet run -c Release --project service/Checkpointer.Cli -- …'.",
            ExitCode.Environment);
    }
}
