# What the measuring programs of this folder and of ../rv32 are made of: engines, the app's sources, the scripts as bytecode.

ENGINE_DIR_bellard := $(BELLARD)
ENGINE_SOURCES_bellard := quickjs.c libregexp.c libunicode.c cutils.c dtoa.c
ENGINE_FLAGS_bellard := -D_GNU_SOURCE -fwrapv -funsigned-char -DCONFIG_VERSION='"measured"'
APP_FLAGS_bellard := -I../include -I../src -isystem $(BELLARD)
QJSC_bellard := $(BELLARD)/qjsc -c -s

ENGINE_DIR_ng := $(NG)
ENGINE_SOURCES_ng := quickjs.c libregexp.c libunicode.c dtoa.c
# (Without the engine's own arenas, as in ../Makefile.)
ENGINE_FLAGS_ng := -D_GNU_SOURCE -fwrapv -funsigned-char -D__SANITIZE_ADDRESS__=1
APP_FLAGS_ng := -I../include -I../src -isystem $(NG) -DMR_QUICKJS_NG
QJSC_ng := $(NG)/qjsc -C -ss

include ../sources.mk
APP_SOURCES := $(addprefix ../src/,$(MR_APP_SOURCES))
APP_HEADERS := $(wildcard ../src/*.h ../include/*.h)

MEASURED := $(ROOT)/firmware/measure
ES5 := $(ROOT)/dist/microrest.es5.js
NANO := $(ROOT)/dist/microrest.nano.es5.js

# $(call bytecode,engine): a header with the scripts, by the engine's own compiler. Each is joined to its app, as tools/bytecode.mjs
# joins scripts, for the engine to leave the code of both where it is.
define bytecode
$(BUILD)/$(1)/bytecode.h: $(ES5) $(NANO) $(MEASURED)/app.js $(MEASURED)/app.nano.js
	@mkdir -p $$(@D)
	cat $(ES5) $(MEASURED)/app.js > $$@.js
	$(QJSC_$(1)) -N es5_code -o $$@.1 $$@.js
	cat $(NANO) $(MEASURED)/app.nano.js > $$@.js
	$(QJSC_$(1)) -N nano_code -o $$@.2 $$@.js
	cat $$@.1 $$@.2 > $$@
	rm $$@.1 $$@.2 $$@.js
endef
