using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Checkpointer.FaultProxy;
using Checkpointer.FaultProxy.Faults;

// A command of its own for tests in other languages: see Usage.
try
{
    var (options, description, report) = Read(args);
    using var stopped = new SemaphoreSlim(0);
    void Stop(PosixSignalContext signal)
    {
        signal.Cancel = true;
        stopped.Release();
    }

    using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
    using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
    await using var proxy = FaultProxyServer.Start(options, description.ToPlan());
    Console.WriteLine($"listening on {proxy.Address}");
    await stopped.WaitAsync();
    if (report is not null)
    {
        await File.WriteAllTextAsync(report, Report.Of(proxy.Counts));
    }

    return 0;
}
catch (Exception error) when (error is FormatException or ArgumentException)
{
    Console.Error.WriteLine($"{error.Message}\n{Usage()}");
    return 2;
}

static (FaultProxyOptions Options, PlanDescription Plan, string? Report) Read(string[] args)
{
    IPEndPoint? upstream = null;
    var listen = new IPEndPoint(IPAddress.Loopback, 0);
    var plan = new PlanDescription();
    string? report = null;
    var control = false;
    var words = new Queue<string>(args);
    string Value(string option) =>
        words.TryDequeue(out var value) ? value : throw new FormatException($"{option} needs a value.");
    while (words.TryDequeue(out var word))
    {
        switch (word)
        {
            case "--listen": listen = IPEndPoint.Parse(Value(word)); break;
            case "--upstream": upstream = IPEndPoint.Parse(Value(word)); break;
            case "--rate": plan = plan with { Rate = double.Parse(Value(word), CultureInfo.InvariantCulture) }; break;
            case "--kinds": plan = plan with { Kinds = Value(word) }; break;
            case "--seed": plan = plan with { Seed = int.Parse(Value(word), CultureInfo.InvariantCulture) }; break;
            case "--times": plan = plan with { Times = int.Parse(Value(word), CultureInfo.InvariantCulture) }; break;
            case "--method": plan = plan with { Method = Value(word) }; break;
            case "--key": plan = plan with { Key = Value(word) }; break;
            case "--report": report = Value(word); break;
            case "--control": control = true; break;
            default: throw new FormatException($"No option '{word}'.");
        }
    }

    return (
        new FaultProxyOptions
        {
            Listen = listen,
            Upstream = upstream ?? throw new FormatException("--upstream is needed."),
            HasControl = control,
        },
        plan,
        report);
}

static string Usage() =>
    "Checkpointer.FaultProxy --upstream HOST:PORT [--listen HOST:PORT] [--rate 0.1] [--kinds a,b|all] [--seed N]\n"
    + "  [--times N] [--method M] [--key PART] [--report FILE] [--control]\n"
    + $"Kinds: {string.Join(", ", FaultKinds.All.Select(FaultKinds.Name))}.";
