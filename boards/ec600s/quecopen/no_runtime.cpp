// The one function of the C++ runtime that the core's headers mention: a promise broken inside the
// core ends the program. Only in the library for the module; a host has the real one.
namespace std {

[[noreturn]] void __throw_out_of_range_fmt(const char*, ...) { __builtin_trap(); }

}  // namespace std
