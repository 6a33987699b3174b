from odoo import models


class ResUsers(models.Model):
    """Account managers introduce themselves in mails."""

    _inherit = "res.users"

    def _get_introduction_photo(self):
        """Return the address of the user's photo that anybody can open who has got it,
        or False without a photo.

        For mail templates: their readers are not logged in.
        """
        self.ensure_one()
        # sudo: the photo is shown to clients on purpose, and to nobody else
        attachments = self.env["ir.attachment"].sudo()
        photo = attachments.search(
            [
                ("res_model", "=", "res.partner"),
                ("res_field", "=", "image_256"),
                ("res_id", "=", self.partner_id.id),
            ],
            limit=1,
        )
        if not photo:
            return False
        token = photo.access_token or photo.generate_access_token()[0]
        return f"{self.get_base_url()}/web/image/{photo.id}?access_token={token}"

    def _get_position(self):
        """Return the user's position as clients are told it."""
        self.ensure_one()
        # sudo: a client's mail names the position, whoever sends it
        employee = self.sudo().employee_id
        return employee.job_title or self.sudo().partner_id.function or ""
