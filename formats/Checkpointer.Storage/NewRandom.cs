namespace Checkpointer.Storage;

/// <summary>
/// Makes a source of randomness for one user, who need not share it. A process draws its seed anew each time; a simulation,
/// which must be able to repeat itself, gives seeds of its own.
/// </summary>
public delegate Random NewRandom();
