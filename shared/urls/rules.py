"""Parts of a URL that are removed because they identify a campaign, a device or a session, not the page.

A new entry needs a page where it was seen. Names that select a page anywhere must not be added.
"""

from __future__ import annotations

import re
from typing import Final

TRACKING_PREFIXES: Final = (
    "utm_",
    "mtm_",
    "pk_",
    "hsa_",
    "matomo_",
    "piwik_",
    "at_custom",
    "at_recipient",
    "stm_",
    "__hs",
)
TRACKING_NAMES: Final = frozenset(
    (
        # click ids of advertisers
        *("fbclid", "gclid", "dclid", "gbraid", "wbraid", "gclsrc", "msclkid", "yclid", "twclid", "ttclid", "igshid"),
        *("igsh", "li_fat_id", "epik", "rdt_cid", "scclid", "srsltid", "gad_source", "gad_campaignid", "irclickid"),
        # newsletters and marketing suites
        *("mc_cid", "mc_eid", "_hsenc", "_hsmi", "mkt_tok", "vero_id", "vero_conv", "oly_enc_id", "oly_anon_id"),
        *("ml_subscriber", "ml_subscriber_hash", "ck_subscriber_id", "bxid", "cndid", "esrc"),
        # analytics
        *("_ga", "_gl", "_ke", "s_cid", "ocid", "cmpid", "cmp", "icid", "ncid", "wt_mc", "wtmc", "xtor", "at_medium"),
        *("at_campaign", "at_link_id", "at_link_origin", "at_link_type", "at_ptr_name", "at_format", "at_bbc_team"),
        *("ns_mchannel", "ns_source", "ns_campaign", "ns_linkname", "ns_fee", "guccounter", "guce_referrer"),
        *("guce_referrer_sig", "smid", "smtyp", "ftag", "__twitter_impression", "spm", "sr_share", "rss_id"),
    )
)
SESSION_NAMES: Final = frozenset(("phpsessid", "jsessionid", "aspsessionid", "sessionid", "cfid", "cftoken"))
_SESSION_PAIR: Final = re.compile(r"aspsessionid[a-z]{8}=[a-z]{24}|(?:sid|session_id|sessid)=[0-9a-f]{32}")
"""Names that also select pages; removed only if the value looks like a session id."""
SESSION_PATH: Final = re.compile(
    r";jsessionid=[^/?]*"
    r"|(?<=/)\((?:[a-z]\([0-9a-z]{24}\)){1,4}\)/"  # ASP.NET: /(S(lit3py55t21z5v55vlm25s55))/default.aspx
    r"|(?<=/)\([0-9a-z]{24}\)/(?=[^?]{1,400}\.aspx)",
    re.IGNORECASE,
)

AMP_PARAMETERS: Final = frozenset(("amp", "amp_js_v", "amp_gsa", "amp_r", "usqp", "_amp", "isamp"))
AMP_PAIRS: Final = frozenset((("outputtype", "amp"), ("output", "amp"), ("type", "amp"), ("view", "amp")))
AMP_HOSTS: Final = (".cdn.ampproject.org", ".amp.cloudflare.com")
AMP_VIEWERS: Final = re.compile(r"^(?:www\.)?(?:google|bing)\.[a-z.]{2,6}$")
AMP_VIEWER_PATH: Final = re.compile(r"^/amp/(?P<tls>s/)?(?P<rest>[^/]+\.[^/]+/.*)$")
AMP_CACHE_PATH: Final = re.compile(r"^/[a-z](?:/(?P<tls>s))?/(?P<rest>[^/]+\.[^/]+(?:/.*)?)$")
AMP_SUFFIX: Final = re.compile(r"(?:(?<=[^/])/amp/?|[./]amp(?=\.html?$)|\.amp)$|\.amp(?=\.html?$)", re.IGNORECASE)
AMP_PREFIX: Final = re.compile(r"^/amp(?=/[^/]*[-\d][^/]*)|^/amp(?=/[^/]+/)", re.IGNORECASE)

DEVICE_LABELS: Final = frozenset(("m", "mobile", "mobil", "amp", "touch", "wap"))
WWW: Final = re.compile(r"^www\d{0,3}\.(?=[^.]+\.)")


def is_tracking(name: str) -> bool:
    """Whether a parameter of this name is for tracking only."""
    lowered = name.lower()
    return lowered in TRACKING_NAMES or lowered.startswith(TRACKING_PREFIXES)


def is_session(name: str, value: str) -> bool:
    """Whether a parameter, in lower case, is the id of a session."""
    return name in SESSION_NAMES or _SESSION_PAIR.fullmatch(f"{name}={value}") is not None


def without_device(host: str) -> str:
    """`m.example.org`, `amp.example.org` and `en.m.example.org` without the label; `m.co.uk` may be a name itself."""
    labels = host.split(".")
    for place in (0, 1):
        rest = labels[:place] + labels[place + 1 :]
        if len(labels) > place + 2 and labels[place] in DEVICE_LABELS and not _may_be_suffix(rest):
            return ".".join(rest)
    return host


def _may_be_suffix(labels: list[str]) -> bool:
    """`co.uk`, `com.br`: two short labels that end in a country."""
    return len(labels) == 2 and len(labels[1]) == 2 and len(labels[0]) <= 3
