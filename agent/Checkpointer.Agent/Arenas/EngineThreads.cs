namespace Checkpointer.Agent.Arenas;

/// <summary>
/// Where the engine's long work runs (reserving and touching memory, hashing): on threads of its own, so that it takes none
/// from the pool, which answers trainers. A simulation, which runs on one thread, has another one.
/// </summary>
internal class EngineThreads
{
    /// <summary>Runs <paramref name="work"/>, which may block.</summary>
    public virtual Task<T> RunAsync<T>(Func<T> work) => Task.Factory.StartNew(
        work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}
