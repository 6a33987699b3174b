"""What has to be there, and what is said when it is not."""

import collections
import os
import shutil

import pytest

from lib import environment, odoo_source, postgres, system_packages
from lib.console import Problem

Usage = collections.namedtuple("Usage", "total used free")


def test_no_disk_space(monkeypatch, tmp_path):
    monkeypatch.setattr(environment, "HOME", tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**10, 0, 10**9))
    with pytest.raises(Problem, match="Only 1.0 GB are free"):
        environment.check_place()


def test_read_only_checkout(monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(Problem, match="cannot be written"):
        environment.check_place()


def test_not_root_names_the_packages(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(
        system_packages, "missing", lambda: ["chromium", "poppler-utils"]
    )
    with pytest.raises(Problem, match="sudo apt-get install chromium poppler-utils"):
        system_packages.provide()


def test_nothing_is_installed_when_nothing_is_missing(monkeypatch):
    monkeypatch.setattr(system_packages, "missing", list)
    system_packages.provide()


def odoo(folder, version):
    (folder / "odoo").mkdir(parents=True)
    (folder / "odoo" / "release.py").write_text(f"version_info = {version}\n")
    return folder


@pytest.mark.parametrize("inside", ["", "odoo"])
def test_own_odoo(tmp_path, inside):
    folder = odoo(tmp_path, "(19, 0, 0, FINAL, 0, '')")
    assert odoo_source.own_odoo(str(folder / inside)) == tmp_path


def test_own_odoo_is_older(tmp_path):
    odoo(tmp_path, "(18, 0, 0, FINAL, 0, '')")
    with pytest.raises(Problem, match="is 18.0, not 19.0"):
        odoo_source.own_odoo(str(tmp_path))


def test_own_odoo_is_not_there(tmp_path):
    with pytest.raises(Problem, match="there is no Odoo"):
        odoo_source.own_odoo(str(tmp_path / "nowhere"))


def test_no_debian_mirror(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(odoo_source, "run", lambda *a, **k: "Ubuntu|Ubuntu|address\n")
    with pytest.raises(Problem, match="knows no Debian mirror(.|\n)*ODOO_PATH"):
        odoo_source._mirror()


def test_mirror_is_debian_itself(monkeypatch):
    lines = "Debian|Debian-Security|security\nDebian|Debian|main\n"
    monkeypatch.setattr(odoo_source, "run", lambda *a, **k: lines)
    assert odoo_source._mirror() == "main"


def test_links_into_the_system_become_relative(tmp_path):
    (tmp_path / "usr/share").mkdir(parents=True)
    (tmp_path / "usr/share/jquery.js").write_text("x")
    link = tmp_path / "usr/lib/jquery.js"
    link.parent.mkdir()
    link.symlink_to("/usr/share/jquery.js")
    odoo_source._make_links_relative(tmp_path)
    assert os.readlink(link) == "../share/jquery.js"
    assert link.read_text() == "x"


def test_own_server_is_used(monkeypatch):
    monkeypatch.setenv("PGHOST", "db")
    monkeypatch.setenv("PGUSER", "me")
    monkeypatch.delenv("PGPORT", raising=False)
    monkeypatch.delenv("PGPASSWORD", raising=False)
    assert postgres.connection() == {"PGHOST": "db", "PGUSER": "me"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("postgres true 150000", "refuses the role postgres"),
        ("me false 150000", 'ALTER ROLE "me" CREATEDB'),
        ("me true 120000", "needs PostgreSQL 13"),
    ],
)
def test_own_server_does_not_do(monkeypatch, answer, words):
    monkeypatch.setenv("PGHOST", "db")
    monkeypatch.setattr(postgres, "psql", lambda sql: answer)
    with pytest.raises(Problem, match=words):
        postgres.provide()


def test_socket_of_a_deep_checkout(monkeypatch, tmp_path):
    monkeypatch.setattr(postgres, "HOME", tmp_path / ("deep" * 30))
    assert len(str(postgres._socket_folder())) < 90


def test_pid_of_a_killed_server_may_be_another_programs(monkeypatch, tmp_path):
    monkeypatch.setattr(postgres, "_DATA", tmp_path)
    pid_file = tmp_path / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n{tmp_path}\n")
    postgres._forget_killed(tmp_path)
    assert not pid_file.exists()
