// The scripts that are measured. The Makefile says where the text is, and has qjsc make the bytecode.

#include "scripts.h"

#include <string.h>

#include "bytecode.h"

// The text of a file, with a 0 behind it.
#define TEXT(name, path)                           \
  __asm__(".section .rodata\n"                     \
          ".global " #name ", " #name "_end\n"     \
          #name ": .incbin \"" path "\"\n"         \
          #name "_end: .byte 0\n"                  \
          ".text\n");                              \
  extern const uint8_t name[], name##_end[];

TEXT(es5_text, "dist/microrest.es5.js")
TEXT(es5_app_text, "firmware/measure/app.js")
TEXT(nano_text, "dist/microrest.nano.es5.js")
TEXT(nano_app_text, "firmware/measure/app.nano.js")

#define MAX_SCRIPTS 16
#define MAX_TEXT_BYTES 65536

static mr_script found[MAX_SCRIPTS];
static size_t n_found;

static void add(const char *name, const uint8_t *data, size_t size, mr_script_kind kind) {
  if (n_found < MAX_SCRIPTS) found[n_found++] = (mr_script){name, data, size, kind};
}

// Each line of microrest is a script by itself. The engine wants a 0 behind each.
static void add_lines(const char *name, const uint8_t *text, size_t size) {
  static char copy[MAX_TEXT_BYTES];
  memcpy(copy, text, size);
  for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n")) add(name, (const uint8_t *)line, strlen(line), MR_SOURCE);
}

typedef struct {
  const char *name;
  const uint8_t *text, *text_end, *app_text, *app_text_end;
  const uint8_t *code;
  size_t code_size;
} script_set;

size_t find_scripts(const char *name, const char *form, const mr_script **scripts) {
  const script_set sets[] = {
      {"es5", es5_text, es5_text_end, es5_app_text, es5_app_text_end, es5_code, es5_code_size},
      {"nano", nano_text, nano_text_end, nano_app_text, nano_app_text_end, nano_code, nano_code_size},
  };
  n_found = 0;
  *scripts = found;
  for (size_t ix = 0; ix < sizeof sets / sizeof *sets; ix++) {
    const script_set *set = &sets[ix];
    if (strcmp(set->name, name)) continue;
    if (!strcmp(form, "source")) {
      add_lines("microrest.js", set->text, (size_t)(set->text_end - set->text));
      add("app.js", set->app_text, (size_t)(set->app_text_end - set->app_text), MR_SOURCE);
    } else if (!strcmp(form, "bytecode")) {
      add("app.js", set->code, set->code_size, MR_BYTECODE);
    }
  }
  return n_found;
}
