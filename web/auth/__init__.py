"""Who is there: sessions, signing in by password and second factor, and by identity provider."""

import warnings

from authlib.deprecate import AuthlibDeprecationWarning

# authlib would rather have httpx's successor, and says so at every start; it works with either.
warnings.filterwarnings("ignore", "The httpx module is deprecated", AuthlibDeprecationWarning)
