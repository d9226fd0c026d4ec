// meterlens-quecopen: the port for the EC600S on the stand-in SDK, for tests. SIGUSR1 cuts the
// camera's line, SIGUSR2 mends it; SIGTERM is the power cut.
// Usage: meterlens-quecopen FOLDER LINE    (FOLDER holds meterlens.txt; LINE: link to the far end)
#include <signal.h>

#include <cstdio>

#include "boards/ec600s/quecopen/board.h"
#include "boards/ec600s/quecopen/stand_in/stand_in.h"

int main(int argument_count, char** arguments) {
  using namespace meterlens::boards::quecopen;
  if (argument_count != 3) {
    std::fprintf(stderr, "usage: meterlens-quecopen FOLDER LINE\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  signal(SIGUSR1, [](int) { cut_line(true); });
  signal(SIGUSR2, [](int) { cut_line(false); });
  use_folder(arguments[1]);
  if (!use_line(arguments[2])) {
    std::fprintf(stderr, "cannot make the line %s\n", arguments[2]);
    return 1;
  }
  meterlens_main(nullptr);
}
