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

typedef struct {
  const char *name, *form;
  const uint8_t *data[SCRIPTS_PER_APP], *end[SCRIPTS_PER_APP];
} script_set;

const mr_script *find_scripts(const char *name, const char *form) {
  const script_set sets[] = {
      {"es5", "source", {es5_text, es5_app_text}, {es5_text_end, es5_app_text_end}},
      {"es5", "bytecode", {es5_code, es5_app_code}, {es5_code + es5_code_size, es5_app_code + es5_app_code_size}},
      {"nano", "source", {nano_text, nano_app_text}, {nano_text_end, nano_app_text_end}},
      {"nano", "bytecode", {nano_code, nano_app_code}, {nano_code + nano_code_size, nano_app_code + nano_app_code_size}},
  };
  static mr_script found[SCRIPTS_PER_APP];
  for (size_t ix = 0; ix < sizeof sets / sizeof *sets; ix++) {
    if (strcmp(sets[ix].name, name) || strcmp(sets[ix].form, form)) continue;
    for (int script = 0; script < SCRIPTS_PER_APP; script++) {
      found[script] = (mr_script){
          .name = script == 0 ? "microrest.js" : "app.js",
          .data = sets[ix].data[script],
          .size = (size_t)(sets[ix].end[script] - sets[ix].data[script]),
          .kind = strcmp(form, "source") ? MR_BYTECODE : MR_SOURCE,
      };
    }
    return found;
  }
  return NULL;
}
