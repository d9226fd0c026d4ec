// Many photos on many cores.
#pragma once

#include <cstddef>
#include <functional>

#include "reader/reader.h"

namespace meterlens::reader {

// As many threads as are `wanted` (0: as many as cores), and not more than photos; at least 1.
int thread_count(int wanted, std::size_t photos);

// Calls work(reader, index) for every index below `count` in `threads` threads, each with a reader
// of its own (`first` is one of them), and told(index) in this thread, in order, each as soon as
// the work up to it is done. Returns when all is told.
void for_each_photo(Reader& first, std::size_t count, int threads,
                    const std::function<void(Reader&, std::size_t)>& work,
                    const std::function<void(std::size_t)>& told);

}  // namespace meterlens::reader
