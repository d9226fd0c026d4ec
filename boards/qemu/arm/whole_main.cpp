// Nothing but every function of the cores: see whole.elf in CMakeLists.txt.
extern "C" void run_board() {}
