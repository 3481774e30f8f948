using System.Reflection;
using System.Reflection.Emit;

namespace Checkpointer.Simulation.Scheduling;

/// <summary>
/// Takes the randomness out of hash codes. .NET seeds those of strings and of <see cref="HashCode"/> anew in each process, and
/// a <see cref="System.Collections.Concurrent.ConcurrentDictionary{TKey, TValue}"/> is enumerated in their order, so that the
/// same seed would take another course in the next process. To be called before anything else.
/// </summary>
internal static class DeterministicHashes
{
    private const uint Seed32 = 0x5eed_5eed;
    private const ulong Seed64 = 0x5eed_5eed_5eed_5eed;

    /// <summary>Fixes both seeds; throws if this runtime keeps them elsewhere.</summary>
    public static void Fix()
    {
        var marvin = typeof(object).Assembly.GetType("System.Marvin", throwOnError: true)!;
        Set(FieldOf(marvin, "<DefaultSeed>k__BackingField"), il => il.Emit(OpCodes.Ldc_I8, unchecked((long)Seed64)));
        Set(FieldOf(typeof(HashCode), "s_seed"), il => il.Emit(OpCodes.Ldc_I4, unchecked((int)Seed32)));
    }

    private static FieldInfo FieldOf(Type type, string name) =>
        type.GetField(name, BindingFlags.Static | BindingFlags.NonPublic)
        ?? throw new InvalidOperationException($"{type} has no field {name}: hash codes of this runtime are seeded in another way.");

    // Reflection refuses to set a readonly field once its type is initialised; code that skips visibility checks may.
    private static void Set(FieldInfo field, Action<ILGenerator> load)
    {
        System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(field.DeclaringType!.TypeHandle);
        var method = new DynamicMethod("Fix", null, null, field.DeclaringType.Module, skipVisibility: true);
        var il = method.GetILGenerator();
        load(il);
        il.Emit(OpCodes.Stsfld, field);
        il.Emit(OpCodes.Ret);
        method.CreateDelegate<Action>()();
    }
}
