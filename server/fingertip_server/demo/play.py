"""Plays the story once: separate processes that talk nothing but gRPC, told as it happens."""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fingertip_server import administration
from fingertip_server.demo import cast, enrolment, keeper, remains
from fingertip_server.demo.cast import Role
from fingertip_server.demo.customers import write_customers
from fingertip_server.demo.lines import Line
from fingertip_server.demo.narrator import Narrator
from fingertip_server.demo.staff import open_accounts
from fingertip_server.demo.troupe import PartyFailed, Troupe
from fingertip_server.packs import DEMO
from fingertip_server.supervisor import Supervisor

_SERVERS = 2
