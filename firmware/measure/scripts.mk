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

# $(call bytecode,engine): a header with all scripts, by the engine's own compiler.
define bytecode
$(BUILD)/$(1)/bytecode.h: $(ES5) $(NANO) $(MEASURED)/app.js $(MEASURED)/app.nano.js
	@mkdir -p $$(@D)
	$(QJSC_$(1)) -N es5_code -o $$@.1 $(ES5)
	$(QJSC_$(1)) -N es5_app_code -o $$@.2 $(MEASURED)/app.js
	$(QJSC_$(1)) -N nano_code -o $$@.3 $(NANO)
	$(QJSC_$(1)) -N nano_app_code -o $$@.4 $(MEASURED)/app.nano.js
	cat $$@.1 $$@.2 $$@.3 $$@.4 > $$@
	rm $$@.1 $$@.2 $$@.3 $$@.4
endef
