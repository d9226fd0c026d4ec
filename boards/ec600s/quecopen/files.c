#include <string.h>

#include "boards/ec600s/quecopen/board.h"
#include "boards/ec600s/quecopen/sdk.h"

enum { area_bytes = 1024 };

static const char* const area_paths[] = {METERLENS_FOLDER "meterlens_0",
                                         METERLENS_FOLDER "meterlens_1"};

static int read_file(const char* path, void* out, size_t bytes_max) {
  QFILE* file = ql_fopen(path, "rb");
  if (file == NULL) return -1;
  const int count = ql_fread(out, 1, bytes_max, file);
  ql_fclose(file);
  return count < 0 || (size_t)count > bytes_max ? -1 : count;
}

static bool read_area(void* context, uint8_t area, void* out, uint32_t bytes) {
  (void)context;
  if (area > 1 || bytes > area_bytes) return false;
  const int count = read_file(area_paths[area], out, bytes);
  /* A file that is not there, or was cut short, is an area not written. */
  const size_t known = count < 0 ? 0 : (size_t)count;
  memset((unsigned char*)out + known, 0xFF, bytes - known);
  return true;
}

static bool write_area(void* context, uint8_t area, const void* data, uint32_t bytes) {
  (void)context;
  if (area > 1 || bytes > area_bytes) return false;
  QFILE* file = ql_fopen(area_paths[area], "wb");
  if (file == NULL) return false;
  const bool written = ql_fwrite(data, 1, bytes, file) == (int)bytes && ql_fsync(file) == 0;
  return ql_fclose(file) == 0 && written;
}

MeterlensAreas meterlens_files_areas(void) {
  return (MeterlensAreas){NULL, area_bytes, read_area, write_area};
}

bool meterlens_files_path(const char* name, char* out, size_t bytes) {
  static const char folder[] = METERLENS_FOLDER;
  const size_t before = sizeof folder - 1;
  const size_t chars = strlen(name);
  if (before + chars >= bytes) return false;
  memcpy(out, folder, before);
  memcpy(out + before, name, chars + 1);
  return true;
}

int meterlens_files_read(const char* name, void* out, size_t bytes_max) {
  char path[METERLENS_CONFIG_NAME_CHARS_MAX + 8];
  if (!meterlens_files_path(name, path, sizeof path)) return -1;
  return read_file(path, out, bytes_max);
}
