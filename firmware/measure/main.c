// Boots an app of 30 routes in a pool of a given size, has it answer requests, and says what that took:
//
//     measure es5|nano source|bytecode [pool=BYTES[+BYTES…]] [requests=COUNT]
//
// One line of figures, and the exit status 0 if every answer was right and memory has sufficed. run.mjs looks for the smallest pool
// with it; the image in ../rv32 is the same program for a RISC-V microcontroller.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "platform.h"
#include "scripts.h"
#include "workload.h"

#define MAX_POOL (1024 * 1024)

static uint64_t memory[MAX_POOL / sizeof(uint64_t)];

static unsigned lines, verbose;

static void log_line(mr_log_level level, const char *line) {
  (void)level;
  lines++;
  if (verbose) fprintf(stderr, "%s\n", line);
}

// "BYTES+BYTES" as regions, one behind the other in memory; answers how many, 0 if there are none that fit.
static size_t read_regions(const char *sizes, mr_region *regions) {
  size_t n = 0, total = 0;
  for (const char *at = sizes; n < MR_MAX_REGIONS; n++) {
    char *end;
    const size_t size = strtoul(at, &end, 10) & ~(size_t)7;
    if (end == at || size > MAX_POOL - total) return 0;
    regions[n] = (mr_region){(char *)memory + total, size};
    total += size;
    if (*end != '+') return n + 1;
    at = end + 1;
  }
  return 0;
}

int main(int argc, char **argv) {
  const char *pool = "196608", *scripts = argc > 1 ? argv[1] : "", *form = argc > 2 ? argv[2] : "";
  unsigned requests = 1000;
  for (int ix = 3; ix < argc; ix++) {
    if (!strncmp(argv[ix], "pool=", 5)) pool = argv[ix] + 5;
    else if (!strncmp(argv[ix], "requests=", 9)) requests = (unsigned)strtoul(argv[ix] + 9, NULL, 10);
    else if (!strcmp(argv[ix], "verbose")) verbose = 1;
  }
  mr_region regions[MR_MAX_REGIONS];
  const size_t n_regions = read_regions(pool, regions);
  const mr_script *chosen;
  const size_t n_chosen = find_scripts(scripts, form, &chosen);
  if (n_chosen == 0 || n_regions == 0) {
    fprintf(stderr, "usage: measure es5|nano source|bytecode [pool=BYTES[+BYTES…]] [requests=COUNT] [verbose]\n");
    return 2;
  }

  const uint32_t started = platform_instructions();
  mr_app *app = mr_app_start(&(mr_app_config){
      .regions = regions, .n_regions = n_regions,
      .scripts = chosen, .n_scripts = n_chosen,
      .log = log_line, .clock_ms = platform_ms,
  });
  if (!app) {
    printf("FAIL boot\n");
    return 1;
  }
  const uint32_t booted = platform_instructions();
  mr_stats stats;
  mr_app_stats(app, &stats);
  const size_t at_boot = stats.pool_used, boot_peak = stats.pool_peak;

  workload_result result;
  bool passed = workload_run(app, requests, &result);
  const uint32_t ended = platform_instructions();
  mr_app_stats(app, &stats);
  if (stats.restarts || stats.timeouts || stats.rejections) passed = false;

  printf("%s %s %s pool=%s size=%zu boot=%zu boot_peak=%zu used=%zu peak=%zu collections=%" PRIu32 " requests=%u answered=%u wrong=%u"
         " restarts=%" PRIu32 " lines=%u",
         passed ? "PASS" : "FAIL", scripts, form, pool, stats.pool_size, at_boot, boot_peak, stats.pool_used, stats.pool_peak,
         stats.collections, requests, result.answered, result.wrong, stats.restarts, lines);
  if (ended != started) {
    printf(" boot_instructions=%" PRIu32 " request_instructions=%" PRIu32 " stack=%zu", booted - started,
           requests ? (ended - booted) / requests : 0, platform_stack_used());
  }
  printf("\n");
  if (result.wrong) printf("wrong: %s\n", result.first_wrong);
  return passed ? 0 : 1;
}
