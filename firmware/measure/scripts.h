// The scripts that are measured, in all their forms: microrest and the app with it, as text and as bytecode.

#ifndef SCRIPTS_H
#define SCRIPTS_H

#include "microrest.h"

#define SCRIPTS_PER_APP 2

// Those of "es5" or "nano", as "source" or "bytecode"; NULL if there are none such.
const mr_script *find_scripts(const char *name, const char *form);

#endif
