#include "engines/profile_internal.h"
