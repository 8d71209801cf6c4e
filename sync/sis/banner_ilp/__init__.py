"""Banner's Intelligent Learning Platform (ILP): its older grade exchange takes letters of many students at once."""

from sync.sis.banner_ilp.adapter import BannerIlp

__all__ = ["BannerIlp"]
