from . import client_touchpoint, project_project
