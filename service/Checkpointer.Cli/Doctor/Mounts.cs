namespace Checkpointer.Cli.Doctor;

/// <summary>The file system that a path is on, or will be.</summary>
internal static class Mounts
{
    /// <summary>The drive with the longest name that is a prefix of the path.</summary>
    public static DriveInfo Of(string path) => DriveInfo.GetDrives()
        .Where(drive => drive.IsReady && (path + "/").StartsWith(drive.Name.TrimEnd('/') + "/", StringComparison.Ordinal))
        .MaxBy(drive => drive.Name.Length)!;
}
