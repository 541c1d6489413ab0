// The scripts that are measured, in all their forms: microrest and the app with it, as text and as bytecode.

#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "microrest.h"

// Those of "es5" or "nano", as "source" or "bytecode", and how many they are; 0 if there are none such.
size_t find_scripts(const char *name, const char *form, const mr_script **scripts);

#endif
